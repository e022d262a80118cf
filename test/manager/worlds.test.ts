import { times } from '../depth.ts'
import t from 'tap'
import fc from 'fast-check'
import { HOUR, MINUTE } from '../../core/model/base/duration.ts'
import { PRIORITIES } from '../../core/model/run/run.ts'
import { classify } from '../../core/model/conditions/classify.ts'
import { createTestManager } from '../../core/simulate/testkit.ts'
import { profileSlots } from '../../core/model/gates/profile.ts'
import { smoothed } from '../../core/model/machine/hysteresis.ts'
import type { ConfigFile } from '../../core/model/config/config.ts'
import type { Notice } from '../../core/model/notice.ts'
import type { Run } from '../../core/model/run/run.ts'
import type { MachineState } from '../../core/model/machine/machine-state.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'
import type { TestManager } from '../../core/simulate/test-manager.ts'

const IDS = ['a', 'b', 'c', 'd'] as const
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 })
const some = <T>(...values: T[]) => fc.constantFrom(...values)

type Data = Omit<TaskDefinition, 'func'> & { minutes: number, rests: boolean, fails: number }

const task = (id: string): fc.Arbitrary<Data> =>
  fc.record({
    concurrency: maybe(some(1, 2)),
    class: maybe(some('critical' as const, 'background' as const, 'normal' as const)),
    locks: maybe(some(['x'], ['x', 'y'])),
    alone: maybe(some(true)),
    queue: maybe(some('q')),
    deadline: some('20m', '2h', '5h'),
    on_deadline: maybe(some('skip' as const, 'run' as const, 'fail' as const)),
    on_unmet: maybe(some('run' as const, 'skip' as const)),
    on_lost: maybe(some('yield' as const)),
    constraints: maybe(
      some<NonNullable<TaskDefinition['constraints']>>({ power: 'mains' }, { battery_above: 60 }, {
        window: '12:30-14:00'
      }, { not_while: ['film'] }, { signals: { s: 'go' } })
    ),
    trigger: maybe(some('*/20 * * * *')),
    max_retries: some(0, 2),
    minutes: some(0, 1, 7, 30),
    rests: some(false, false, true),
    fails: some(0, 0, 1)
  }, { requiredKeys: ['deadline', 'max_retries', 'minutes', 'rests', 'fails'] }).map(found =>
    ({ id, ...found }) as Data
  )

const acts = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('enqueue' as const),
      task: some(...IDS),
      priority: some(...PRIORITIES),
      now: maybe(some(true))
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('set' as const),
      state: some<MachineState>(
        { power: 'mains', battery: { level: 80, charging: true } },
        { power: 'battery', battery: { level: 75, charging: false } },
        { power: 'battery', battery: { level: 20, charging: false } },
        { power: 'battery', battery: { level: 8, charging: false } },
        { cpu: { busy: 0.95, own: 0 } },
        { cpu: { busy: 0.05, own: 0 } },
        { signals: { s: 'go' } },
        { signals: { s: 'stop' } },
        { probes: { film: true } },
        { probes: { film: false } },
        { disks: [{ path: '/', free_bytes: 1, used: 0.99 }] },
        { disks: [{ path: '/', free_bytes: 5e10, used: 0.5 }] }
      )
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: some('pause' as const, 'resume' as const),
      scope: some('all' as const, 'task' as const, 'queue' as const)
    })
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('wait' as const), minutes: some(1, 5, 12, 40) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('sleep' as const), minutes: some(90) }) }
)

const worlds = fc.record({
  tasks: fc.tuple(...IDS.map(task)),
  acts: fc.array(acts, { minLength: 6, maxLength: 22, size: 'max' }),
  config: fc.record<ConfigFile>({
    manager: fc.record({ scheduler_thread_pool: some(1, 2, 4) }),
    scheduling: fc.record({
      priority_slots: some('never' as const, 'always' as const, 'on_battery' as const),
      profile_slots: some('never' as const, 'always' as const, 'on_battery' as const)
    }),
    queues: some<NonNullable<ConfigFile['queues']>>({}, { q: { concurrency: 1 } }, {
      q: { rate: { limit: 2, per: '10m' } }
    }),
    probes: fc.constant({ film: { kind: 'file' as const, path: '/nowhere' } })
  })
})

type World = typeof worlds extends fc.Arbitrary<infer W> ? W : never

const definition = ({ minutes, rests, fails, ...data }: Data, kit: () => TestManager): TaskDefinition => ({
  ...data,
  type: 'plain',
  max_retries: data.max_retries ?? 0,
  timeout: '3h',
  backoff: { kind: 'fixed', delay: '3m', jitter: 0 },
  func: async (ctx: TaskContext) => {
    if (minutes > 0) await kit().sleep(minutes * MINUTE)
    if (rests) await ctx.breathe({ slot: 'give' })
    if (rests) await kit().sleep(5 * MINUTE)
    if (ctx.attempt <= fails) throw new Error('not yet')
  }
})

/** Adds a fault for each run that starts although a gate is closed. */
function watch (kit: TestManager, faults: string[]) {
  const { manager } = kit
  const check = (notice: Notice) => {
    if (notice.kind !== 'claimed') return
    const { run } = notice
    const closed = manager.runner.verdicts.of({ ...run, state: 'queued' } as Run).gates.find(({ ok, kind }) =>
      !ok && (kind === 'condition' || kind === 'safety')
    )
    if (closed) faults.push(`run ${run.id} of ${run.task} started although ${closed.message}`)
  }
  manager.onNotice(check)
}

function limits ({ manager }: TestManager, faults: string[]): void {
  const { config, catalog, runner, conditions } = manager
  const working = runner.active.begun.filter(({ resting }) => !resting)
  const all = runner.active.begun
  const kindOf = (id: string) => classify(catalog.tasks.get(id)!, config).class
  const critical = working.filter(({ task: id, priority }) => priority === 'critical' || kindOf(id) === 'critical')
  const reserve = config.scheduling.max_concurrent_tasks.critical
  const ordinary = working.length - Math.min(critical.length, reserve)
  const check = (what: string, count: number, most: number) => {
    if (count > most) faults.push(`${count} runs in ${what}, at most ${most} are allowed`)
  }
  check('slots', ordinary, config.manager.scheduler_thread_pool)
  for (const { id, concurrency } of catalog.tasks.values()) {
    check(`task ${id}`, working.filter(one => one.task === id).length, concurrency)
  }
  for (const [name, { concurrency = Infinity }] of Object.entries(config.queues)) {
    check(`queue ${name}`, all.filter(({ queue }) => queue === name).length, concurrency)
  }
  for (const lock of ['x', 'y']) check(`lock ${lock}`, all.filter(({ locks }) => locks.includes(lock)).length, 1)
  if (working.some(({ alone }) => alone)) check('beside one that runs alone', working.length, 1)
  const { reading, hysteresis } = conditions.current
  const profile = profileSlots({
    reading: hysteresis === null ? reading : smoothed(reading, hysteresis),
    config,
    now: manager.clock.now()
  })
  // Runs that have begun continue when slots become fewer.
  if (profile !== null && runner.active.size === 1) check('nothing', 0, Math.max(1, profile.slots))
}

async function idle (kit: TestManager, faults: string[]): Promise<void> {
  limits(kit, faults)
  const { items } = await kit.manager.engine.list({ state: ['queued'], limit: 200 })
  for (const run of items.filter(({ due_at: due }) => due <= kit.clock.now())) {
    const { decision } = kit.manager.runner.verdicts.of(run)
    if (decision !== 'hold') {
      faults.push(
        `run ${run.id} of ${run.task} (${run.priority}) waits at ${
          new Date(kit.clock.now()).toISOString()
        }, and why says ${decision}`
      )
    }
  }
}

async function act (kit: TestManager, one: World['acts'][number]): Promise<void> {
  const { pauses } = kit.manager
  const name = (scope: 'all' | 'task' | 'queue') => scope === 'all' ? null : scope === 'task' ? 'a' : 'q'
  if (one.what === 'enqueue') await kit.enqueue(one.task, { priority: one.priority, ...one.now && { now: true } })
  if (one.what === 'set') await kit.set(one.state)
  if (one.what === 'pause') await pauses.add({ scope: one.scope, name: name(one.scope), by: 'ada' })
  if (one.what === 'resume') await pauses.remove({ scope: one.scope, name: name(one.scope) }, 'ada')
  if (one.what === 'sleep') await kit.suspend(one.minutes * MINUTE)
  await kit.settle()
}

/** Runs a world; returns what is wrong, as messages. */
async function play ({ tasks, acts: todo, config }: World): Promise<string[]> {
  const faults: string[] = []
  const kit: TestManager = await createTestManager({
    config,
    reading: { battery: { level: 80, charging: true } },
    tasks: tasks.map(data => definition(data, () => kit))
  })
  try {
    watch(kit, faults)
    for (const one of todo) {
      await act(kit, one)
      await idle(kit, faults)
      if (one.what !== 'wait') continue
      for (let minute = 0; minute < one.minutes; minute++) {
        await kit.advance(MINUTE)
        await idle(kit, faults)
      }
    }
    await everythingEnds(kit, faults)
  } finally {
    await kit.close()
  }
  return faults
}

/** Adds a fault for each run that has not ended seven hours after the machine is calm and pauses and fires have
 *  ended. */
async function everythingEnds (kit: TestManager, faults: string[]): Promise<void> {
  for (const { scope, name } of kit.manager.pauses.list()) await kit.manager.pauses.remove({ scope, name }, 'ada')
  for (const id of IDS) {
    if (kit.manager.catalog.tasks.get(id)?.trigger) {
      await kit.manager.pauses.add({ scope: 'task', name: id, by: 'ada', until: kit.clock.now() + 1 })
    }
  }
  await kit.set({
    power: 'mains',
    battery: { level: 100, charging: true },
    cpu: { busy: 0.02, own: 0 },
    signals: { s: 'go' },
    probes: { film: false },
    disks: [{ path: '/', free_bytes: 5e10, used: 0.5 }]
  })
  const until = kit.clock.now()
  await kit.advance(7 * HOUR)
  const open = (await kit.runs()).filter(({ state, due_at: due }) =>
    (state === 'queued' || state === 'running') && due < until
  )
  for (const run of open) faults.push(`run ${run.id} of ${run.task} is still ${run.state} seven hours later`)
}

t.setTimeout(300_000)

t.test(
  'in random worlds runs start if and only if the verdict says start, limits hold, and every run ends',
  { timeout: 280_000 },
  async t => {
    let played = 0
    await fc.assert(fc.asyncProperty(worlds, async world => {
      const faults = await play(world)
      played++
      if (faults.length > 0) throw new Error(faults.slice(0, 5).join('\n'))
    }), { numRuns: Number(process.env.OFFPEAK_WORLDS ?? times(40)), interruptAfterTimeLimit: 200_000 })
    t.ok(played > 0)
  }
)
