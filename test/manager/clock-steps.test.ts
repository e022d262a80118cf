import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { DAY, HOUR, MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { createManager } from '../../core/manager.ts'
import { fakeClock, until } from '../clock.ts'
import { fakeSenses } from '../work/fake-senses.ts'
import { scratch } from '../work/harness.ts'
import { clockTrust, sureBy } from '../../core/work/upkeep/clock-trust.ts'
import type { FakeClock } from '../clock.ts'
import type { ClockTrust } from '../../core/work/upkeep/clock-trust.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'
import type { Test } from 'tap'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const YEAR = 365 * DAY

async function managerOf (t: Test, { clock = fakeClock(NOW), root = scratch(t), tasks = [] as TaskDefinition[] } = {}) {
  const config = { retention: { max_age: '7d', dead_max_age: '7d', every: '1h' }, uploads: { max_age: '7d' } }
  const manager = await createManager({
    root,
    config,
    files: 'none',
    clock,
    senses: fakeSenses(clock).senses,
    loops: 'none'
  })
  manager.registerTasks([{ id: 'a', func: () => 1 }, ...tasks])
  t.teardown(() => manager.stop())
  await manager.start()
  const beats = async (span: number, step = 10 * MINUTE) => {
    for (let passed = 0; passed < span; passed += step) {
      clock.advance(step)
      await manager.beat('watch')
      await manager.beat('sweep')
    }
  }
  const jump = async (ms: number) => {
    clock.set(clock.now() + ms)
    await manager.beat('watch')
    await manager.fire()
    await manager.runner.settled()
  }
  return { manager, clock, root, beats, jump }
}

type It = Awaited<ReturnType<typeof managerOf>>

/** Makes an ended run, a key and an uploaded file; returns a function that says which of them exist. */
async function stored ({ manager, clock }: It) {
  const { run } = await manager.desk.enqueue('a')
  await until('it is over', async () => (await manager.engine.get(run.id))?.state === 'completed')
  await manager.engine.keep({ name: 'request/abc', value: 'x', now: clock.now() })
  const file = join(manager.folder, 'uploads', 'x-file')
  mkdirSync(join(manager.folder, 'uploads'), { recursive: true })
  writeFileSync(file, 'x')
  utimesSync(file, clock.now() / 1000, clock.now() / 1000)
  return async () => [(await manager.engine.get(run.id)) !== null,
    (await manager.engine.kept({ prefix: 'request/abc' })).length === 1, existsSync(file)]
}

t.test('a clock that is a year ahead for hours removes nothing before its age [F17]', async t => {
  const it = await managerOf(t)
  await it.beats(2 * DAY, HOUR)
  const there = await stored(it)
  await it.jump(YEAR)
  await it.beats(2 * HOUR)
  await it.manager.upkeep.sweep()
  t.strictSame(await there(), [true, true, true])
  await it.jump(-YEAR)
  await it.beats(6 * DAY, HOUR)
  t.strictSame(await there(), [true, true, true])
  await it.beats(2 * DAY, HOUR)
  t.strictSame(await there(), [false, false, false])
})

t.test('a wrong clock at a start removes nothing, and one steady for a day is trusted [F17]', async t => {
  const clock = fakeClock(NOW)
  const root = scratch(t)
  const first = await managerOf(t, { clock, root })
  await first.beats(2 * DAY, HOUR)
  const there = await stored(first)
  await first.manager.stop()
  for (const wrong of [10 * YEAR, -50 * YEAR]) {
    clock.set(clock.now() + wrong)
    const again = await managerOf(t, { clock, root })
    await again.beats(HOUR)
    t.strictSame(
      await there().catch(() => []).then(
        async () => [(await again.manager.engine.list({ limit: 9 })).items.length > 0]
      ),
      [true]
    )
    await again.manager.stop()
    clock.set(clock.now() - wrong)
  }
  clock.set(clock.now() + 30 * DAY)
  const last = await managerOf(t, { clock, root })
  await last.beats(23 * HOUR, HOUR)
  t.equal((await last.manager.engine.list({ limit: 9 })).items.length, 1)
  await last.beats(3 * HOUR, HOUR)
  t.equal((await last.manager.engine.list({ limit: 9 })).items.length, 0)
})

t.test('clock steps that are undone within a day never remove anything before its age', async () => {
  const step = fc.record({
    jump: fc.integer({ min: -20 * YEAR, max: 20 * YEAR }),
    stays: fc.integer({ min: MINUTE, max: 20 * HOUR }),
    between: fc.integer({ min: 0, max: 10 * DAY })
  })
  fc.assert(fc.property(fc.array(step, { maxLength: 8 }), steps => {
    let [truth, offset]: [number, number] = [NOW, 0]
    let trust: ClockTrust = { until: NOW, from: null, at: NOW }
    const pass = (ms: number) => {
      for (let left = ms; left > 0; left -= HOUR) {
        const passed = Math.min(left, HOUR)
        truth += passed
        trust = clockTrust(trust, truth + offset, passed)
        if (sureBy(trust) > truth + HOUR) {
          throw new Error(`sure of ${sureBy(trust) - truth} ms that have not been`)
        }
      }
    }
    for (const { jump, stays, between } of steps) {
      offset = jump
      pass(stays)
      offset = 0
      pass(between)
    }
  }))
})

const failing: TaskDefinition = {
  id: 'again',
  func: () => {
    throw new Error('no')
  },
  max_retries: 5,
  backoff: { kind: 'fixed', delay: 10, jitter: 0 }
}

const waiting = async ({ manager }: It, id: string, attempt: number) => {
  await until(`attempt ${attempt} has failed`, async () => {
    const run = await manager.engine.get(id)
    return run?.state === 'queued' && run.attempt === attempt
  })
  return (await manager.engine.get(id))!
}

t.test('a retry of 10 s waits 10 s after the clock is set back, while running or before a start [F16]', async t => {
  const clock = fakeClock(NOW)
  const root = scratch(t)
  const it = await managerOf(t, { clock, root, tasks: [failing] })
  await it.beats(HOUR)
  const { run } = await it.manager.desk.enqueue('again')
  await waiting(it, run.id, 1)
  await it.jump(-HOUR)
  await until('its due time is corrected',
    async () => (await it.manager.engine.get(run.id))!.due_at <= clock.now() + 11 * SECOND)
  clock.advance(11 * SECOND)
  await it.manager.fire()
  await waiting(it, run.id, 2)
  t.match(await it.manager.engine.records({ limit: 9, action: 'clock_set_back' }), [{ by: 'offpeak', subject: run.id }])
  await it.beats(HOUR)
  await it.manager.stop()
  clock.set(clock.now() - 2 * HOUR)
  const again = await managerOf(t, { clock, root, tasks: [failing] })
  t.ok((await again.manager.engine.get(run.id))!.due_at <= clock.now() + 11 * SECOND)
})

const dated: TaskDefinition = { id: 'dated', func: () => 1, deadline: '1d', on_deadline: 'skip' }

async function held (it: It, clock: FakeClock) {
  await it.manager.pauses.add({ scope: 'task', name: 'dated', by: 'anna' })
  const { run } = await it.manager.desk.enqueue('dated')
  await it.jump(0)
  clock.advance(MINUTE)
  return async () => (await it.manager.engine.get(run.id))!.state
}

t.test('a deadline passed by a wrong clock ends its run only after five minutes [F17]', async t => {
  const it = await managerOf(t, { tasks: [dated] })
  const state = await held(it, it.clock)
  await it.jump(YEAR)
  it.clock.advance(MINUTE)
  await it.jump(0)
  t.equal(await state(), 'queued')
  await it.jump(-YEAR)
  t.equal(await state(), 'queued')
  await it.jump(YEAR)
  it.clock.advance(5 * MINUTE + SECOND)
  await it.jump(0)
  t.equal(await state(), 'skipped')
})

t.test('a deadline that passes normally ends its run at once', async t => {
  const it = await managerOf(t, { tasks: [dated] })
  const state = await held(it, it.clock)
  it.clock.advance(DAY)
  await it.jump(0)
  t.equal(await state(), 'skipped')
})
