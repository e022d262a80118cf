import t from 'tap'
import { StopReason } from '../../core/model/run/outcome.ts'
import { gate, harness } from './harness.ts'
import { fakeClock, until } from '../clock.ts'
import type { FakeClock } from '../clock.ts'
import type { Owner } from './harness.ts'

const QUICK = 30
const SLOTS = 3

/** A clock whose timers fire only after `letGo()`, so that prefetched runs do not expire while a slow test prepares. */
function patientClock (): FakeClock & { letGo: () => void } {
  const waiting = new Set<() => void>()
  let isFrozen = true
  const after = (ms: number, ring: () => void) => {
    const rung = () => void (isFrozen ? waiting.add(rung) : ring())
    const timer = setTimeout(rung, ms)
    return () => {
      clearTimeout(timer)
      waiting.delete(rung)
    }
  }
  const letGo = () => {
    isFrozen = false
    for (const rung of waiting) rung()
  }
  return { ...fakeClock(), after, letGo }
}

/** A task whose first 30 runs end at once and whose other 30 wait for `busy.letGo()`; more are claimed than there are
 *  slots. */
async function quickThenSlow (t: Owner) {
  const busy = gate()
  let begun = 0
  const clock = patientClock()
  const all = await harness(t, {
    clock,
    slots: SLOTS,
    tasks: [{
      work: {
        kind: 'function',
        func: async ctx => {
          if (++begun > QUICK) await busy.func(ctx)
        }
      }
    }]
  })
  await all.runner.stop()
  for (let count = 0; count < 60; count++) await all.desk.enqueue('work')
  const claim = all.engine.claim
  const sizes: number[] = []
  all.engine.claim = async ask => {
    const runs = await claim(ask)
    sizes.push(runs.length)
    return runs
  }
  t.teardown(clock.letGo)
  const running = async () => (await all.engine.list({ task: 'work', state: ['running'], limit: 100 })).items
  await all.runner.start()
  await until('the slow ones hold every slot', () => busy.started.length === SLOTS)
  return { ...all, letGo: clock.letGo, busy, sizes, running, begun: () => begun }
}

t.test('more runs of a quick task are claimed than there are slots, and no more begin than slots', async t => {
  const { busy, sizes, running, begun } = await quickThenSlow(t)
  t.ok(Math.max(...sizes) > SLOTS, 'one claim takes more runs than there are slots')
  t.ok((await running()).length > SLOTS)
  t.equal(begun(), QUICK + SLOTS)
  t.equal(busy.started.length, SLOTS)
})

t.test('prefetched runs are given back when the conditions change, and are not charged', async t => {
  const { engine, runner, conditions, running, busy, clock } = await quickThenSlow(t)
  conditions.pause([{ scope: 'all', name: null, until: null, by: 'me', at: clock.now() }])
  await until('only the runs with a slot are claimed', async () => (await running()).length === SLOTS)
  const waiting = (await engine.list({ task: 'work', state: ['queued'], limit: 100 })).items
  t.equal(waiting.length, 60 - QUICK - SLOTS)
  const back = waiting.filter(({ turn }) => turn > 0)
  t.ok(back.length > 0)
  for (const { id } of back) {
    t.match(await engine.get(id), { attempt: 0, reason: { code: 'given_back' }, attempts: { length: 0 } })
  }
  t.ok(back.every(({ id }) => !busy.started.includes(id)))
  conditions.pause([])
  await until('all are completed', async () => {
    busy.letGo()
    return (await engine.count())[0]?.states.completed === 60
  })
  t.equal(new Set(busy.started).size, busy.started.length, 'none began twice')
  await runner.settled()
})

t.test('a prefetched run that is cancelled never begins', async t => {
  const { engine, desk, reach, busy, running } = await quickThenSlow(t)
  const waits = (await running()).find(({ id }) => !busy.started.includes(id))!
  await desk.cancel(waits.id, { by: 'me' })
  t.match(await reach(waits.id, 'cancelled'), { reason: { by: 'me' } })
  await until('all others are completed', async () => {
    busy.letGo()
    return (await engine.count())[0]?.states.completed === 59
  })
  t.notOk(busy.started.includes(waits.id))
})

t.test('a stop gives back prefetched runs', async t => {
  const { runner, running, letGo } = await quickThenSlow(t)
  t.ok((await running()).length > SLOTS)
  const stopped = runner.stop()
  letGo()
  await stopped
  t.strictSame(await running(), [])
})

t.test('a prefetched run that gets no slot soon is given back, and is not charged', async t => {
  const { engine, running, letGo } = await quickThenSlow(t)
  t.ok((await running()).length > SLOTS)
  letGo()
  await until('only the runs with a slot are claimed', async () => (await running()).length === SLOTS)
  const back = (await engine.list({ task: 'work', state: ['queued'], limit: 100 })).items.filter(({ turn }) => turn > 0)
  t.ok(back.length > 0)
  t.ok(back.every(({ attempt }) => attempt === 0))
})

t.test('a prefetched run that is aborted is given back, and no stop is signalled', async t => {
  const { runner, running, busy, noticesOf } = await quickThenSlow(t)
  const waits = (await running()).find(({ id }) => !busy.started.includes(id))!
  t.equal(runner.abort(waits.id, new StopReason('yield', 'its slot goes to another')), true)
  t.strictSame(noticesOf('signalled'), [])
  await until('its claim is given back',
    async () => !(await running()).some(({ id, turn }) => id === waits.id && turn === waits.turn))
})

t.test('prefetched runs of a task that is redefined start under the new definition', async t => {
  const { tasks, engine, busy } = await quickThenSlow(t)
  const old = tasks.get('work')!
  let redefined = 0
  tasks.set('work', {
    ...old,
    work: {
      kind: 'function',
      func: () => {
        redefined++
      }
    }
  })
  await until('all are completed', async () => {
    busy.letGo()
    return (await engine.count())[0]?.states.completed === 60
  })
  t.equal(busy.started.length, SLOTS)
  t.equal(redefined, 60 - QUICK - SLOTS)
})

t.test('a pause during a claim stops runs without a slot from beginning', async t => {
  const { engine, runner, conditions, desk, clock } = await harness(t, {
    slots: SLOTS,
    tasks: [{ work: { kind: 'function', func: () => undefined } }]
  })
  await runner.stop()
  for (let count = 0; count < 60; count++) await desk.enqueue('work')
  const claim = engine.claim
  let paused = false
  engine.claim = async ask => {
    const runs = await claim(ask)
    if (runs.length > SLOTS && !paused) {
      paused = true
      conditions.pause([{ scope: 'all', name: null, until: null, by: 'me', at: clock.now() }])
    }
    return runs
  }
  await runner.start()
  await until('all claimed runs have ended or are given back',
    async () => paused && (await engine.count())[0]?.states.running === 0)
  const back = (await engine.list({ task: 'work', state: ['queued'], limit: 100 })).items.filter(({ turn }) => turn > 0)
  t.ok(back.length > 0)
  t.ok(back.every(({ attempt }) => attempt === 0))
})
