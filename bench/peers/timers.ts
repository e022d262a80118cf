import type { Ask, Contender } from '../contest.ts'
import type { Row } from '../row.ts'
import { lacking, load } from './packages.ts'
import { product } from '../product.ts'
import { withFolder } from '../place.ts'

/** A job at certain times: `cron` is second, minute, hour, day, month; UTC. */
export interface Job {
  id: string
  cron: readonly [number, number, number, number, number]
  fire: () => void
}

/** `define` checks and keeps the definitions, where that is a step of its own; `start` sets every job's time. */
export interface Timers {
  define(): void
  start(): Promise<void>
  stop(): unknown
}

/** Starts jobs at their times. */
export interface TimerKind {
  name: string
  packages: readonly string[]
  durability: string
  note?: string
  prepare(jobs: readonly Job[], folder: string): Promise<Timers>
}

const NONE = 'none: in memory'

/** The others start every due job at once: here no run waits for a slot either. */
const SLOTS = 100
const nothing = () => undefined
const patternOf = ({ cron }: Job) => `${cron.join(' ')} *`

const FIELDS = ['second', 'minute', 'hour', 'day', 'month'] as const
const argsOf = ({ cron }: Job) => Object.fromEntries(FIELDS.map((field, place) => [field, cron[place]!]))

/** The whole product: each fire is a durable run that passes the gates. */
export const offpeakTimers: TimerKind = {
  name: 'offpeak',
  packages: [],
  durability: 'each fire is a stored run',
  async prepare (jobs, folder) {
    const tasks = jobs.map(job => ({ id: job.id, trigger: 'cron', trigger_args: argsOf(job), func: job.fire }))
    const manager = await product(folder, [], SLOTS)
    return { define: () => manager.registerTasks(tasks), start: () => manager.start(), stop: () => manager.stop() }
  }
}

interface Stops {
  stop(): unknown
}

const croner: TimerKind = {
  name: 'croner',
  packages: ['croner'],
  durability: NONE,
  async prepare (jobs) {
    const { Cron } = await load<{ Cron: new(pattern: string, options: object, fire: () => void) => Stops }>('croner')
    let all: Stops[] = []
    return {
      define: nothing,
      start: async () => {
        all = jobs.map(job => new Cron(patternOf(job), { timezone: 'UTC' }, job.fire))
      },
      stop: () => {
        for (const one of all) one.stop()
      }
    }
  }
}

const nodeCron: TimerKind = {
  name: 'node-cron',
  packages: ['node-cron'],
  durability: NONE,
  async prepare (jobs) {
    const { default: cron } = await load<
      { default: { schedule(pattern: string, fire: () => void, options: object): Stops } }
    >('node-cron')
    let all: Stops[] = []
    return {
      define: nothing,
      start: async () => {
        all = jobs.map(job => cron.schedule(patternOf(job), job.fire, { timezone: 'UTC' }))
      },
      stop: () => Promise.all(all.map(one => one.stop()))
    }
  }
}

interface Toad {
  ToadScheduler: new() => Stops & { addCronJob(job: object): void }
  CronJob: new(schedule: object, task: object, options: object) => object
  Task: new(id: string, fire: () => void) => object
}

const toad: TimerKind = {
  name: 'toad-scheduler',
  packages: ['toad-scheduler', 'croner'],
  durability: NONE,
  async prepare (jobs) {
    const { ToadScheduler, CronJob, Task } = await load<Toad>('toad-scheduler')
    const scheduler = new ToadScheduler()
    const jobOf = (job: Job) =>
      new CronJob({ cronExpression: patternOf(job), timezone: 'UTC' }, new Task(job.id, job.fire), { id: job.id })
    return {
      define: nothing,
      start: async () => {
        for (const job of jobs) scheduler.addCronJob(jobOf(job))
      },
      stop: () => scheduler.stop()
    }
  }
}

const KINDS: readonly TimerKind[] = [offpeakTimers, croner, nodeCron, toad]

/** Measures one kind; answers its rows without group and durability. */
export type Measure = (kind: TimerKind, ask: Ask, folder: string) => Promise<Omit<Row, 'group'>[]>

/** Every timer as a contender of one group. */
export const timers = (group: string, measure: Measure): Contender[] =>
  KINDS.map(kind => ({
    name: kind.name,
    ...kind.packages.length > 0 ? { peer: kind.packages } : {},
    run: async ask => {
      const reason = lacking(kind.packages)
      if (reason !== null) return [{ group, name: kind.name, unit: '', value: null, note: `skipped: ${reason}` }]
      const rows = await withFolder(folder => measure(kind, ask, folder))
      return rows.map(row => ({ durability: kind.durability, ...row, group }))
    }
  }))
