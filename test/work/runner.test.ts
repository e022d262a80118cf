import t from 'tap'
import { LEASE } from '../../core/work/run/lease-length.ts'
import { SECOND } from '../../core/model/base/duration.ts'
import { gate, harness } from './harness.ts'
import { until } from '../clock.ts'
import type { State } from '../../core/model/run/run.ts'

t.test('a due run is executed, and its result, log and times are stored', async t => {
  const { desk, reach, engine, clock } = await harness(t, {
    tasks: [{
      work: {
        kind: 'function',
        func: ctx => {
          ctx.log.info({ password: 'hunter2', file: 'a' }, 'working')
          ctx.progress.setTotal(4)
          ctx.progress.advance(3, 'three')
          return { got: ctx.payload, attempt: ctx.attempt, answer: ctx.services.answer }
        }
      }
    }]
  })
  const { run } = await desk.enqueue('work', { payload: { n: 1 } })
  await reach(run.id, 'completed')
  t.match(await engine.get(run.id), {
    result: { got: { n: 1 }, attempt: 1, answer: 42 },
    attempt: 1,
    turn: 1,
    started_at: clock.now(),
    finished_at: clock.now(),
    progress: { percentage: 75, message: 'three' }
  })
  t.match(await desk.logs({ id: run.id, after: 0, limit: 10 }), [{
    text: 'working',
    level: 30,
    attempt: 1,
    data: { file: 'a', password: '[redacted]' }
  }])
})

t.test('a failed run is retried after the backoff and is dead when its retries are spent', async t => {
  const { desk, reach, clock, runner, engine } = await harness(t, {
    tasks: [{
      max_retries: 1,
      work: {
        kind: 'function',
        func: ctx => {
          throw new Error(`no ${ctx.attempt}`)
        }
      }
    }]
  })
  const { run } = await desk.enqueue('work')
  await until('the first attempt has failed', async () => (await engine.get(run.id))!.attempts.length === 1)
  t.match(await engine.get(run.id), { state: 'queued', attempt: 1, error: { message: 'no 1' } })
  clock.advance(11_000)
  runner.wake()
  await runner.settled()
  t.equal((await engine.get(run.id))!.state, 'queued', 'not before the backoff has passed')
  clock.advance(1000)
  runner.wake()
  t.match(await reach(run.id, 'failed'), { attempt: 2, error: { message: 'no 2' } })
})

t.test('a run starts as soon as any change makes it ready', async t => {
  const after = [{ task: 'work', condition: 'completed' as const, freshMs: Infinity }]
  let works = true
  const func = () => {
    if (!works) throw new Error('no')
  }
  const it = await harness(t, {
    tasks: [{ max_retries: 0, work: { kind: 'function', func } }, { id: 'after', depends_on: after }, { id: 'paused' }]
  })
  const run = async (task: string, state: State) => {
    await it.reach((await it.desk.enqueue(task)).run.id, state)
  }
  it.conditions.pause([{ scope: 'task', name: 'paused', until: null, by: 'ann', at: it.clock.now() }])
  const paused = await it.desk.enqueue('paused')
  await run('work', 'completed')
  await run('after', 'completed')
  await it.engine.add([{
    task: 'work',
    queue: 'default',
    priority: 'low',
    source: 'manual',
    due_at: it.clock.now(),
    max_retries: 0
  }], it.clock.now())
  await until('a run added without the desk is completed',
    async () => (await it.engine.count()).find(({ task }) => task === 'work')!.states.completed === 2)
  works = false
  await run('work', 'failed')
  await run('after', 'skipped')
  t.match(await it.engine.get(paused.run.id), { state: 'queued', turn: 0 })
})

t.test('many concurrent changes cause few looks', async t => {
  const { desk, runner, clock, conditions, engine } = await harness(t)
  const held = { scope: 'task', name: 'work', until: null, by: 'ann', at: clock.now() } as const
  conditions.pause([held])
  const { due } = engine
  let looks = 0
  engine.due = async ask => {
    looks++
    return await due(ask)
  }
  await Promise.all(Array.from({ length: 500 }, () => desk.enqueue('work')))
  for (let count = 0; count < 500; count++) conditions.pause([held])
  await runner.settled()
  t.ok(looks < 50, `${looks} looks for 1,000 changes`)
})

t.test('a run starts although an earlier run of its task is held', async t => {
  const { desk, reach, clock, conditions, engine, runner } = await harness(t)
  conditions.pause([{ scope: 'queue', name: 'default', until: null, by: 'ann', at: clock.now() }])
  const held = await desk.enqueue('work')
  const now = clock.now()
  const of = (queue: string, more = {}) =>
    ({ task: 'work', queue, priority: 'normal', source: 'manual', due_at: now, max_retries: 0, ...more }) as const
  const added = await engine.add([of('q'), of('q', { deadline_at: now + 2000 }), of('q', { priority: 'critical' })],
    now)
  for (const { run } of added) await reach(run.id, 'completed')
  await runner.settled()
  t.equal((await engine.get(held.run.id))!.state, 'queued')
})

t.test('at most the number of slots run at once, and every run is executed', async t => {
  let now = 0
  let most = 0
  const { desk, engine } = await harness(t, {
    slots: 3,
    tasks: [{
      work: {
        kind: 'function',
        func: async () => {
          most = Math.max(most, ++now)
          await new Promise(resolve => {
            setImmediate(resolve)
          })
          now--
        }
      }
    }]
  })
  await Promise.all(Array.from({ length: 40 }, () => desk.enqueue('work')))
  await until('all are completed', async () => (await engine.count())[0]?.states.completed === 40)
  t.equal(most, 3)
})

t.test('a task with concurrency 1 runs once at a time while other tasks run', async t => {
  const busy = gate()
  const { desk, engine, reach, runner } = await harness(t, {
    tasks: [{ id: 'one', concurrency: 1, work: { kind: 'function', func: busy.func } }, { id: 'other' }]
  })
  const [first, second] = await Promise.all([desk.enqueue('one'), desk.enqueue('one')])
  await until('the first runs', () => busy.started.length === 1)
  const other = await desk.enqueue('other')
  await reach(other.run.id, 'completed')
  const verdict = runner.verdicts.of(second!.run)
  t.equal(verdict.decision, 'hold')
  t.match(verdict.gates.filter(({ ok }) => !ok), [{ gate: 'concurrency', code: 'task_busy' }])
  t.match(await desk.task('one'), { status: 'running' })
  busy.letGo()
  await reach(first!.run.id, 'completed')
  await until('the second runs', () => busy.started.length === 2)
  busy.letGo()
  await reach(second!.run.id, 'completed')
  t.equal((await engine.count()).find(({ task }) => task === 'one')!.states.completed, 2)
})

t.test('runs of a removed task are held, and start when it returns [F35]', async t => {
  const { desk, tasks, runner, reach, clock } = await harness(t)
  const task = tasks.get('work')!
  const { run } = await desk.enqueue('work', { delay: 60 })
  tasks.delete('work')
  await t.rejects(desk.enqueue('work'), { code: 'OFFPEAK_TASK_NOT_FOUND' })
  clock.advance(61_000)
  runner.wake()
  await runner.settled()
  t.match(desk.verdict(await desk.run(run.id)), {
    decision: 'hold',
    gates: [{ gate: 'task', ok: false, code: 'task_missing' }]
  })
  t.equal((await desk.run(run.id)).state, 'queued')
  tasks.set('work', task)
  runner.wake()
  await reach(run.id, 'completed')
})

t.test('a held run is listed as held, with the reason', async t => {
  const busy = gate()
  const { desk } = await harness(t, {
    slots: 1,
    tasks: [{ id: 'long', work: { kind: 'function', func: busy.func } }, { id: 'waits' }]
  })
  await desk.enqueue('long')
  await until('it runs', () => busy.started.length === 1)
  await desk.enqueue('waits')
  t.match(await desk.task('waits'), {
    status: 'held',
    held: { code: 'no_slot', message: /all 1 slots are in use/ },
    counts: { queued: 1 }
  })
  busy.letGo()
})

t.test('an outcome that a failing engine refuses is settled when it recovers [F14]', async t => {
  const { desk, engine, reach, runner, noticesOf } = await harness(t)
  const settle = engine.settle
  engine.settle = async () => {
    throw new Error('disk full')
  }
  const { run } = await desk.enqueue('work')
  await until('the failure is reported', () => noticesOf('engine_failed').length > 0)
  t.equal((await engine.get(run.id))!.state, 'running')
  engine.settle = settle
  runner.retrySettle()
  t.match(await reach(run.id, 'completed'), { turn: 1 }, 'executed once')
})

t.test('the next attempt reads the checkpoint of the one before it [F11]', async t => {
  const seen: unknown[] = []
  const { desk, engine, clock, runner, reach } = await harness(t, {
    tasks: [{
      work: {
        kind: 'function',
        func: async ctx => {
          seen.push(await ctx.checkpoint.read())
          if (ctx.attempt > 1) return 'done'
          await ctx.checkpoint.save({ file: 7 })
          throw new Error('interrupted')
        }
      }
    }]
  })
  const { run } = await desk.enqueue('work')
  await until('the first attempt has failed', async () => (await engine.get(run.id))!.attempts.length === 1)
  clock.advance(60_000)
  runner.wake()
  await reach(run.id, 'completed')
  t.strictSame(seen, [null, { file: 7 }])
})

t.test('a late result is refused and reported', async t => {
  const busy = gate()
  const { desk, engine, clock, noticesOf } = await harness(t, {
    tasks: [{ work: { kind: 'function', func: busy.func } }]
  })
  const { run } = await desk.enqueue('work')
  await until('it runs', () => busy.started.length === 1)
  clock.advance(LEASE)
  // After a long gap the machine may have slept: owners have some seconds to renew before their runs expire.
  for (const seconds of [0, 10]) {
    clock.advance(seconds * SECOND)
    await engine.expire({ now: clock.now(), restart: 'restart', crash_cap: 5 })
  }
  busy.letGo()
  await until('the stale result is reported', () => noticesOf('stale').length === 1)
  t.match(await engine.get(run.id), { crashes: 1, attempt: 1 }, 'the crash is not an attempt, and the second turn runs')
  busy.letGo()
})

t.test('a slot is freed before the outcome is stored, up to a limit of unsettled runs', async t => {
  const { desk, engine, runner } = await harness(t, { slots: 1 })
  const settle = engine.settle
  const waiting = Promise.withResolvers<void>()
  engine.settle = async ask => {
    await waiting.promise
    return await settle.call(engine, ask)
  }
  await Promise.all(Array.from({ length: 150 }, () => desk.enqueue('work')))
  await until('the limit is reached', async () => (await engine.count())[0]?.states.running === 100)
  await runner.settled()
  t.match((await engine.count())[0]?.states, { running: 100, queued: 50 })
  waiting.resolve()
  await until('all are completed', async () => (await engine.count())[0]?.states.completed === 150)
})
