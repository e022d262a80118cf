import '../child.ts'
import t from 'tap'
import type { Test } from 'tap'
import { LEASE } from '../../core/work/run/lease-length.ts'
import { MINUTE } from '../../core/model/base/duration.ts'
import { createTestManager } from '../../core/simulate/testkit.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'
import type { TestManager } from '../../core/simulate/test-manager.ts'
import type { TestManagerOptions } from '../../core/simulate/testkit.ts'

const ON_BATTERY = { power: 'battery', battery: { level: 90, charging: false } } as const

/** Two managers on one store, each with its own machine. `log` lists which manager executed which run, in order. */
async function pair (
  t: Test,
  tasks: (own: () => TestManager, place: string, log: string[]) => TaskDefinition[],
  more: Partial<Record<'a' | 'b', TestManagerOptions>> = {}
) {
  const log: string[] = []
  const a: TestManager = await createTestManager({ tasks: tasks(() => a, 'a', log), ...more.a })
  t.teardown(() => a.close())
  const b: TestManager = await createTestManager({ beside: a, tasks: tasks(() => b, 'b', log), ...more.b })
  t.teardown(() => b.close())
  const settle = async () => {
    await a.settle()
    await b.settle()
  }
  return { a, b, log, settle }
}

const sleeper =
  (id: string, minutes: number, more: Partial<TaskDefinition> = {}) =>
  (own: () => TestManager, place: string, log: string[]): TaskDefinition => ({
    id,
    timeout: '5h',
    ...more,
    func: async ({ run_id: run }: TaskContext) => {
      log.push(`${place} ${run}`)
      await own().sleep(minutes * MINUTE)
    }
  })

t.test('two runners execute each run once, and limits of tasks, queues and locks hold across both', async t => {
  const limited = { concurrency: 1 }
  const tasks = [sleeper('one', 5, limited), sleeper('queued', 5, { queue: 'q' }),
    sleeper('left', 5, { locks: ['disk'] }), sleeper('right', 5, { locks: ['disk'] })]
  const config = { queues: { q: { concurrency: 2 } }, manager: { scheduler_thread_pool: 1 } }
  const { a, b, log, settle } = await pair(t, (own, place, log) => tasks.map(task => task(own, place, log)), {
    a: { config },
    b: { config }
  })
  for (let each = 0; each < 4; each++) {
    for (const [kit, id] of [[a, 'one'], [b, 'queued'], [a, 'left'], [b, 'right']] as const) await kit.enqueue(id)
  }
  const exceeded: number[] = []
  for (let minute = 0; minute < 60; minute++) {
    await a.advance(MINUTE)
    await settle()
    const running = [...a.manager.runner.active.begun, ...b.manager.runner.active.begun]
    const of = (...ids: string[]) => running.filter(({ task }) => ids.includes(task)).length
    if (of('one') > 1 || of('queued') > 2 || of('left', 'right') > 1) exceeded.push(minute)
  }
  t.strictSame(exceeded, [], 'no limit is ever exceeded')
  t.strictSame((await a.runs()).map(({ state, turn }) => `${state} ${turn}`), Array<string>(16).fill('completed 1'))
  t.equal(new Set(log.map(line => line.slice(2))).size, 16)
  t.strictSame([...new Set(log.map(line => line[0]))].toSorted(), ['a', 'b'], 'both have executed runs')
})

t.test('a run that runs alone has no other run beside it on either runner', async t => {
  const tasks = [sleeper('solo', 3, { alone: true }), sleeper('busy', 3)]
  const { a, b, settle } = await pair(t, (own, place, log) => tasks.map(task => task(own, place, log)))
  const exceeded: number[] = []
  for (let minute = 0; minute < 90; minute++) {
    if (minute < 40) {
      await Promise.all([a.manager.desk.enqueue(minute % 2 ? 'solo' : 'busy'),
        b.manager.desk.enqueue(minute % 3 ? 'busy' : 'solo')])
    }
    await a.advance(MINUTE)
    await settle()
    const running = [...a.manager.runner.active.begun, ...b.manager.runner.active.begun]
    if (running.some(({ alone }) => alone) && running.length > 1) exceeded.push(minute)
  }
  t.strictSame(exceeded, [])
  for (const id of ['solo', 'busy']) {
    t.ok((await a.runs(id)).some(({ state }) => state === 'completed'), `${id} has run`)
  }
})

t.test('a limit of two lets each of two runners with one slot run one', async t => {
  const config = { queues: { q: { concurrency: 2 } }, manager: { scheduler_thread_pool: 1 } }
  for (const task of [{ concurrency: 2 }, { queue: 'q' }]) {
    const { a, b, settle } = await pair(t, (own, place, log) => [sleeper('work', 60, task)(own, place, log)], {
      a: { config },
      b: { config }
    })
    await a.enqueue('work')
    await settle()
    await a.enqueue('work')
    await settle()
    t.strictSame([a, b].map(({ manager }) => manager.runner.active.size), [1, 1], JSON.stringify(task))
    const third = await a.enqueue('work')
    await settle()
    t.strictSame([a, b].map(({ manager }) => manager.runner.verdicts.of(third).decision), ['hold', 'hold'])
  }
})

t.test('both runners hold a run at once for a lock that either has taken', async t => {
  const { a, b, settle } = await pair(t,
    (own, place, log) => [sleeper('work', 60, { locks: ['disk'] })(own, place, log)])
  await a.manager.desk.bulk.add([{ task: 'work' }, { task: 'work' }])
  await settle()
  const [left] = (await a.runs('work')).filter(({ state }) => state === 'queued')
  for (const { manager } of [a, b]) {
    t.match(manager.runner.verdicts.of(left!).gates.filter(({ ok }) => !ok), [{ code: 'locked' }])
  }
})

t.test('after a pause of the breaker one run is the trial for both runners', async t => {
  let isBroken = true
  const { a, b, log, settle } = await pair(t, (_, place, log) => [{
    id: 'work',
    constraints: { power: 'mains' },
    concurrency: 3,
    max_retries: 0,
    deadline: '20h',
    breaker: { failures: 1, pause: '5m', cap: '1h' },
    func: () => {
      log.push(place)
      if (isBroken) throw new Error('down')
    }
  }], { b: { reading: ON_BATTERY } })
  await a.enqueue('work')
  await settle()
  await a.set(ON_BATTERY)
  await b.plug()
  for (let each = 0; each < 3; each++) await b.enqueue('work')
  await a.advance('6m')
  await settle()
  t.strictSame(log, ['a', 'b'], 'one of three runs is the trial')
  isBroken = false
  await b.close()
  await a.plug()
  await a.advance('11m')
  t.strictSame(log, ['a', 'b', 'a', 'a'], 'the other runner executes the rest')
})

t.test('each runner judges by its own machine: one starts a run that the other holds', async t => {
  const { a, b, log, settle } = await pair(t,
    (own, place, log) => [sleeper('work', 1, { constraints: { power: 'mains' } })(own, place, log)], {
    a: { reading: ON_BATTERY }
  })
  await a.enqueue('work')
  await settle()
  t.match(log, [/^b /])
  await b.set(ON_BATTERY)
  await a.advance('2m')
  const run = await a.enqueue('work')
  await settle()
  t.equal((await a.manager.engine.get(run.id))!.state, 'queued')
  await a.plug()
  await settle()
  t.match(log, [/^b /, /^a /])
})

t.test('a schedule fires once for both runners, and both see schedules that either adds or removes', async t => {
  const { a, b, log, settle } = await pair(t, (
    own,
    place,
    log
  ) => [sleeper('tick', 0, { trigger: '*/10 * * * *' })(own, place, log), sleeper('asked', 0)(own, place, log)])
  await a.advance('61m')
  await settle()
  t.equal(log.length, 6)
  const { id } = await a.manager.desk.schedule({
    task: 'asked',
    trigger: 'interval',
    trigger_args: { minutes: 20 },
    by: 'ada'
  })
  await settle()
  t.match(b.manager.planner.get(id), { task: 'asked' })
  await a.advance('61m')
  await settle()
  t.equal((await b.runs('asked')).length, 3)
  await b.manager.desk.unschedule(id, { by: 'ada' })
  await settle()
  t.equal(a.manager.planner.get(id), undefined)
  await a.advance('61m')
  t.equal((await b.runs('asked')).length, 3)
})

t.test('the other runner takes over the runs of a dead runner within two leases', async t => {
  const { a, b, log, settle } = await pair(t, (own, place, log) => [sleeper('work', 60)(own, place, log)], {
    a: { reading: ON_BATTERY }
  })
  await a.manager.pauses.add({ scope: 'all', by: 'ada' })
  const run = await b.enqueue('work')
  await a.manager.pauses.remove({ scope: 'all', name: null }, 'ada')
  await settle()
  const first = log[0]![0] === 'a' ? a : b
  first.freeze()
  await a.advance(LEASE + LEASE)
  await settle()
  t.match(await a.manager.engine.get(run.id), { state: 'running', turn: 2, crashes: 1 })
  t.strictSame(log.map(line => line[0]).toSorted(), ['a', 'b'])
})

t.test('a suspend does not take runs from a live runner', async t => {
  const { a, log, settle } = await pair(t, (own, place, log) => [sleeper('work', 60)(own, place, log)])
  const run = await a.enqueue('work')
  await settle()
  await a.suspend('3h')
  await a.advance('2m')
  await settle()
  t.match(await a.manager.engine.get(run.id), { state: 'running', turn: 1, crashes: 0 })
  t.equal(log.length, 1)
})

t.test('a pause made at one runner applies to the other, and both emit the notices', async t => {
  const { a, b, log, settle } = await pair(t, (own, place, log) => [sleeper('work', 1)(own, place, log)])
  await a.manager.pauses.add({ scope: 'task', name: 'work', by: 'ada' })
  await settle()
  t.match(b.manager.pauses.list(), [{ name: 'work', by: 'ada' }])
  const run = await b.enqueue('work')
  await settle()
  t.equal(log.length, 0)
  t.match(b.manager.runner.verdicts.of(run).gates.find(({ ok }) => !ok), { code: 'paused' })
  await b.manager.pauses.remove({ scope: 'task', name: 'work' }, 'bob')
  await settle()
  await a.advance('2m')
  await settle()
  for (const { notices } of [a, b]) {
    const kinds = notices.filter(notice => 'run' in notice && notice.run.id === run.id).map(({ kind }) => kind)
    t.strictSame(kinds.filter(kind => ['added', 'claimed', 'settled'].includes(kind)), ['added', 'claimed', 'settled'])
  }
})

t.test('a cancel at one runner ends the run that the other executes', async t => {
  const { a, b, log, settle } = await pair(t, (own, place, log) => [sleeper('work', 60)(own, place, log)])
  const run = await a.enqueue('work')
  await settle()
  const other = log[0]![0] === 'a' ? b : a
  await other.manager.desk.cancel(run.id, { by: 'ada' })
  await settle()
  t.match(await a.manager.engine.get(run.id), { state: 'cancelled', reason: { by: 'ada' } })
})
