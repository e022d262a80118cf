import { Cron } from 'croner'
import type { Ask } from './contest.ts'
import type { Row } from './row.ts'
import { compileTrigger } from '../core/model/trigger.ts'
import { contest } from './contest.ts'

const GROUP = 'cron'
const PATTERNS = ['* * * * *', '*/15 * * * *', '0 3 * * *', '30 2 * * 1-5', '0 0 1 * *', '0 0 29 2 *', '*/10 * * * * *',
  '0 9-17 13 * 5']
const ZONES = ['UTC', 'Europe/Rome', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca']
const GRID = PATTERNS.flatMap(pattern => ZONES.map(zone => ({ pattern, zone })))
const START = Date.UTC(2026, 0, 1)
const NEXT = 'next fire, geometric mean'

/** Operations per second of `work`, which is done `times` times after a tenth of that to warm up. */
function rate (times: number, work: (index: number) => void): number {
  for (let index = 0; index < times / 10; index++) work(index)
  const begun = performance.now()
  for (let index = 0; index < times; index++) work(index)
  return times / (performance.now() - begun) * 1000
}

const mean = (rates: number[]) => Math.exp(rates.reduce((sum, value) => sum + Math.log(value), 0) / rates.length)

function nextRate (pattern: string, zone: string, times: number): number {
  const trigger = compileTrigger({ trigger: pattern, timezone: zone }, START)
  let at = START
  return rate(times, index => {
    at = index % 500 === 0 ? START : trigger.next(at)!
  })
}

function cronerRate (pattern: string, zone: string, times: number): number {
  const cron = new Cron(pattern, { timezone: zone, paused: true })
  let at = new Date(START)
  return rate(times, index => {
    at = index % 500 === 0 ? new Date(START) : cron.nextRun(at)!
  })
}

function neverMs (): number {
  const never = [
    compileTrigger({ trigger: 'cron', trigger_args: { month: 2, day: 29, year: '*/4' } }, START),
    compileTrigger({ trigger: '0 0 30 2 *' }, START)
  ]
  const begun = performance.now()
  for (const trigger of never) trigger.next(START)
  return (performance.now() - begun) / never.length
}

// Every text is new, so nothing is answered from memory.
const compileRate = (times: number) =>
  rate(times, index => {
    compileTrigger({
      trigger: 'cron',
      trigger_args: {
        second: index % 60,
        minute: Math.trunc(index / 60) % 60,
        hour: `${Math.trunc(index / 3600) % 24}-23`,
        day: '1-15'
      }
    }, START)
  })

async function ours ({ small }: Ask): Promise<Row[]> {
  const times = small ? 2000 : 500_000
  const never = neverMs()
  const rates = GRID.map(({ pattern, zone }) => nextRate(pattern, zone, times))
  return [
    {
      group: GROUP,
      name: `offpeak: ${NEXT}`,
      unit: '/s',
      value: mean(rates),
      ratio_to: `croner: ${NEXT}`,
      target: { of: 'ratio', least: 100 }
    },
    {
      group: GROUP,
      name: 'offpeak: next fire, slowest of the grid',
      unit: '/s',
      value: Math.min(...rates),
      note: `${PATTERNS.length} patterns in ${ZONES.length} zones`
    },
    {
      group: GROUP,
      name: 'offpeak: compile',
      unit: '/s',
      value: compileRate(times / 10),
      target: { of: 'value', least: 100_000 }
    },
    {
      group: GROUP,
      name: 'offpeak: a date that never comes',
      unit: 'ms',
      value: never,
      target: { of: 'value', most: 1 }
    }
  ]
}

const cronOf = (index: number) =>
  new Cron(`${index % 60} ${Math.trunc(index / 60) % 60} 0-23 1-15 * *`, { paused: true, timezone: 'UTC' })

async function croner ({ small }: Ask): Promise<Row[]> {
  const times = small ? 20 : 2000
  return [
    {
      group: GROUP,
      name: `croner: ${NEXT}`,
      unit: '/s',
      value: mean(GRID.map(({ pattern, zone }) => cronerRate(pattern, zone, times)))
    },
    {
      group: GROUP,
      name: 'croner: compile',
      unit: '/s',
      value: rate(times, index => cronOf(index).stop()),
      ratio_to: 'offpeak: compile'
    }
  ]
}

/** The next fire of a cron and its compilation. The croner measured is the one that the project has by toad-scheduler,
 *  or that of the bench. */
export const contenders = [{ name: 'offpeak', run: ours }, { name: 'croner', run: croner }]
export const run = contest(contenders)
