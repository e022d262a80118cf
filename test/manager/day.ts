import { setImmediate as nextTurn } from 'node:timers/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Machine } from '../../core/simulate/machine.ts'
import { TestManager } from '../../core/simulate/test-manager.ts'
import { SimulatedClock, countCalls } from '../../core/work/simulate/clock.ts'
import { createManager } from '../../core/manager.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { faulty } from './faulty.ts'
import { healthOf } from '../../core/health.ts'
import { stateWith } from '../../core/model/machine/machine-state.ts'
import type { Notice } from '../../core/model/notice.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'

type Sleep = (span: string) => Promise<void>

const saves = (sleep: Sleep): TaskDefinition => ({
  id: 'saves',
  on_lost: 'yield',
  constraints: { power: 'mains' },
  func: async ctx => {
    ctx.progress.setTotal(2)
    ctx.log.info('begun')
    await ctx.checkpoint.save({ at: 1 })
    await sleep('3m')
    ctx.progress.advance(1)
    await ctx.breathe()
    await ctx.enqueue('quick')
  }
})

/** Tasks with schedules, retries, a breaker, dependencies, rates, deadlines, checkpoints and progress. */
const definitions = (sleep: Sleep): TaskDefinition[] => [
  { id: 'quick', trigger: '* * * * *', func: () => 1 },
  {
    id: 'paced',
    trigger: 'interval',
    trigger_args: { seconds: 90 },
    overlap: 'replace',
    func: async () => {
      await sleep('2m')
    }
  },
  {
    id: 'fails',
    max_retries: 2,
    retry_for: '1h',
    backoff: { kind: 'fixed', delay: 10, cap: 10, jitter: 0 },
    func: () => {
      throw new Error('mine')
    }
  },
  {
    id: 'flaky',
    max_retries: 0,
    breaker: { failures: 2, pause: '1m', cap: '1m' },
    func: () => {
      throw new Error('mine')
    }
  },
  { id: 'after', depends_on: [{ task: 'quick' }], func: ({ results }) => ({ ...results }) },
  { id: 'rated', queue: 'rated', func: () => 1 },
  { id: 'expiring', constraints: { power: 'mains' }, deadline: '2m', on_deadline: 'skip', func: () => 1 },
  { id: 'greets', run_on_start: true, func: () => 1 },
  saves(sleep)
]

/** A manager on a simulated clock whose engine can be made to fail; it is not started. */
export async function faultyManager ({ forecasts = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-supervisor-'))
  const clock = new SimulatedClock(Date.UTC(2026, 0, 5, 12, 0, 30))
  const machine = new Machine(clock, stateWith({}, { battery: { present: true, level: 90 } }))
  const notices: Notice[] = []
  const { engine, pending } = countCalls(
    createSqliteEngine({ folder, clock: clock.now, synchronous: 'off', ballastBytes: 0 })
  )
  const faults = faulty(engine)
  const manager = await createManager({
    config: {
      manager: { timezone: 'UTC' },
      engine: { folder },
      queues: { rated: { rate: { limit: 1, per: '1m' } } }
    } as never,
    clock,
    engine: faults.engine,
    files: 'none',
    loops: 'none',
    random: () => 0.5,
    senses: machine.senses(),
    abortGraceMs: 10,
    onNotice: notice => {
      if (notice.kind !== 'sampled') notices.push(notice)
    }
  })
  const kit = new TestManager({ manager, clock, notices, machine, folder, store: { engine: faults.engine, pending } })
  manager.registerTasks(definitions(span => kit.sleep(span)))
  return {
    kit,
    manager,
    engine,
    notices,
    faults,
    forecasts,
    clean: () => rmSync(folder, { recursive: true, force: true })
  }
}

export type Faulty = Awaited<ReturnType<typeof faultyManager>>

/** Calls and ignores an error: a call may be refused while the engine fails. */
const attempt = async (what: () => unknown): Promise<void> => {
  try {
    await what()
  } catch {}
}

/** Advances the clock, and runs the beats that the test kit leaves out. */
export async function pass ({ kit, manager }: Faulty, minutes: number): Promise<void> {
  for (let step = 0; step < 2 * minutes; step++) {
    await kit.advance('30s')
    for (const beat of ['poll', 'watch', 'rescan']) await manager.beat(beat)
  }
  await kit.settle()
}

/** Every kind of call that people and tasks make of the manager, in half an hour. */
export const STEPS: ((it: Faulty) => Promise<unknown>)[] = [
  async ({ kit }) => {
    for (const task of ['fails', 'after', 'rated', 'rated', 'saves']) await attempt(() => kit.enqueue(task))
  },
  async it => await pass(it, 1),
  async ({ kit }) => {
    for (let index = 0; index < 3; index++) await attempt(() => kit.enqueue('flaky'))
  },
  async ({ kit }) => await kit.unplug(60),
  async ({ kit }) => {
    for (const task of ['expiring', 'saves']) await attempt(() => kit.enqueue(task))
  },
  async it => await pass(it, 3),
  async ({ manager: { desk } }) =>
    await attempt(async () => {
      const { run } = await desk.enqueue('saves', { key: 'mine', payload: { a: 1 } })
      await desk.enqueue('saves', { key: 'mine' })
      await desk.cancel(run.id, { by: 'anna' })
      await desk.retry(run.id, { by: 'anna' })
    }),
  async ({ manager: { desk } }) =>
    await attempt(async () => {
      const schedule = await desk.schedule({ task: 'quick', trigger: '*/2 * * * *', by: 'anna' })
      await desk.unschedule(schedule.id, { by: 'anna' })
    }),
  async ({ manager: { desk } }) =>
    await attempt(async () => {
      const [added] = await desk.bulk.add([{ task: 'quick', delay: '1h' }, { task: 'quick', delay: '2h' }])
      await desk.bulk.edit(added!.run.id, { priority: 'high', by: 'anna' })
      await desk.bulk.promote(added!.run.id, { by: 'anna' })
      await desk.bulk.change('cancel', { filter: { task: 'quick' }, by: 'anna' })
    }),
  async ({ manager: { desk } }) => {
    for (const act of [() => desk.dead.replay({ task: 'fails', by: 'anna' }),
      () => desk.dead.discard({ task: 'flaky', by: 'anna', message: 'old' })]) await attempt(act)
  },
  async ({ manager: { pauses } }) => await attempt(() => pauses.add({ scope: 'task', name: 'quick', by: 'anna' })),
  // A refused call is repeated.
  async ({ manager: { pauses } }) => {
    for (let turn = 0; turn < 2; turn++) await attempt(() => pauses.remove({ scope: 'task', name: 'quick' }, 'anna'))
  },
  async ({ manager: { desk } }) => {
    for (const ask of [() => desk.tasks(), () => desk.runs({ limit: 5 }), () => desk.dead.groups(),
      () => desk.queues.list()]) await attempt(ask)
  },
  async ({ manager }) => await attempt(() => manager.explain.task(manager.desk.definition('saves'))),
  // A forecast starts a thread, which is too slow for every day.
  async ({ manager, forecasts }) => {
    for (const ask of [() => forecasts && manager.forecast(2), () => manager.activity.save()]) await attempt(ask)
  },
  async ({ manager: { upkeep } }) => await attempt(() => upkeep.sweep()),
  async ({ kit }) => await kit.plug(90),
  async ({ manager }) => {
    manager.removeTask('rated')
  },
  async it => await pass(it, 2)
]

/** Stops the manager, with its grace periods on the simulated clock. */
export async function halt ({ kit, manager }: Faulty): Promise<void> {
  const waiting = { isOver: false }
  const stopping = attempt(() => manager.stop()).finally(() => {
    waiting.isOver = true
  })
  while (!waiting.isOver) {
    await kit.settle()
    if (manager.runner.active.size > 0) await kit.clock.step(() => kit.settle())
    await nextTurn()
  }
  await stopping
}

/** Starts the manager and does every step, with `afterStep` after the start (0) and each step. */
export async function live (
  it: Faulty,
  afterStep: (step: number) => Promise<unknown> | unknown = () => undefined
): Promise<void> {
  await attempt(() => it.kit.start())
  await afterStep(0)
  for (const [index, step] of STEPS.entries()) {
    // A failed start is repeated, as a supervisor does.
    if (it.manager.state === 'stopped') await attempt(() => it.kit.start())
    if (it.manager.state === 'started') await attempt(() => step(it))
    await afterStep(index + 1)
  }
}

/** What is wrong some time after the fault is over, as messages; empty if all is right. */
export async function wrongs (it: Faulty): Promise<string[]> {
  const { kit, manager, engine } = it
  const wrong: string[] = []
  if (manager.state !== 'started') await kit.start()
  await pass(it, 12)
  const before = kit.clock.now()
  const running = (await engine.list({ state: ['running'], limit: 200 })).items
  for (const { id, task } of running) {
    if (manager.runner.active.get(id) === undefined) wrong.push(`run ${id} of ${task} is running without a runner`)
  }
  for (const { id, task, next_at: at } of manager.planner.schedules) {
    if (at === null || at > before + 120_000) wrong.push(`the schedule ${id} of ${task} does not fire`)
  }
  const added = (await engine.list({ task: 'quick', from: before - 300_000, limit: 200 })).items
  if (added.length < 4) wrong.push(`quick has fired ${added.length} times in the last five minutes`)
  for (const task of ['quick', 'after', 'expiring']) {
    const { run } = await manager.desk.enqueue(task, {})
    await kit.settle()
    await pass(it, 1)
    const { state } = (await engine.get(run.id))!
    if (state !== 'completed') wrong.push(`a new run of ${task} is ${state}`)
  }
  const waiting = (await engine.list({ state: ['queued'], due_by: before - 600_000, limit: 200 })).items
  for (const { id, task } of waiting) {
    if (task !== 'rated') wrong.push(`run ${id} of ${task} has waited for more than ten minutes`)
  }
  const { reasons } = await healthOf(manager)
  wrong.push(...reasons)
  return wrong
}
