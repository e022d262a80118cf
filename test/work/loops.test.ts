import t from 'tap'
import { Alarm } from '../../core/work/plan/alarm.ts'
import { UncaughtErrors } from '../../core/work/context/uncaught.ts'
import { Ticker } from '../../core/work/upkeep/ticker.ts'
import { execFile } from '../child.ts'
import { fakeClock, until } from '../clock.ts'
import { promisify } from 'node:util'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { runScope } from '../../core/work/context/scope.ts'
import { watchdog } from '../../core/work/upkeep/watchdog.ts'
import type { Notice } from '../../core/model/notice.ts'

t.test('an alarm rings once at its instant and not before', async t => {
  const clock = fakeClock()
  let rings = 0
  const alarm = new Alarm({
    clock,
    ring: () => {
      rings++
    }
  })
  alarm.set(clock.now() + 20)
  await until('the timer has fired once', async () => {
    await delay(25)
    return true
  })
  t.equal(rings, 0, 'the wall clock has not reached it')
  t.equal(alarm.at, clock.now() + 20)
  clock.advance(20)
  await until('it rings', () => rings === 1)
  t.equal(alarm.at, null)
})

t.test('an exact alarm polls for a near instant, at most once in a while', async t => {
  const clock = fakeClock()
  const rings: number[] = []
  let [passed, step] = [0, 0]
  const now = () => clock.now() + (passed += step)
  const alarm = new Alarm({
    clock: { ...clock, now },
    ring: () => {
      rings.push(clock.now() + passed)
    },
    exact: true
  })
  const turn = async (at: number, each: number) => {
    alarm.set(at)
    t.equal(alarm.at, at, 'it does not ring while it is set')
    step = each
    await nextTurn()
    clock.advance(passed)
    passed = step = 0
  }
  const first = clock.now() + 2
  await turn(first, 0.125)
  t.ok(rings[0]! >= first && rings[0]! < first + 0.5, 'it polls until the instant and no longer')
  const second = clock.now() + 2
  await turn(second, 0.125)
  t.equal(rings.length, 1, 'the next one uses a timer')
  clock.advance(2)
  await until('the timer rings', () => rings.length === 2)
  clock.advance(1000)
  await turn(clock.now() + 1, 1)
  t.equal(rings.length, 3)
  clock.advance(1000)
  alarm.set(clock.now() + 1)
  alarm.clear()
  clock.advance(5)
  await nextTurn()
  t.equal(rings.length, 3, 'a cleared alarm does not ring')
})

t.test('the timer of an exact alarm fires shortly before its instant', async t => {
  const waits: (number | undefined)[] = []
  const { setTimeout: real } = globalThis
  t.intercept(globalThis, 'setTimeout', {
    configurable: true,
    value: (ring: () => void, ms?: number) => {
      waits.push(ms)
      return real(ring, ms)
    }
  })
  const clock = fakeClock()
  for (const exact of [true, false]) {
    const alarm = new Alarm({ clock, ring: () => undefined, exact })
    alarm.set(clock.now() + 500)
    alarm.clear()
  }
  t.same(waits, [498, 500])
})

t.test('an exact alarm stops polling a clock that does not advance', async t => {
  const clock = fakeClock()
  let rings = 0
  let looks = 0
  const alarm = new Alarm({
    clock: {
      ...clock,
      now: () => {
        looks++
        return clock.now()
      }
    },
    ring: () => {
      rings++
    },
    exact: true
  })
  alarm.set(clock.now() + 1)
  await nextTurn()
  t.ok(looks > 20 && looks < 100, `it has read the clock ${looks} times`)
  const before = looks
  for (let turn = 0; turn < 50; turn++) await nextTurn()
  t.ok(looks < before + 25, 'a timer reads it now')
  clock.set(clock.now() + 1)
  await until('it rings', () => rings === 1)
})

t.test('an alarm years ahead does not overflow its timer [F21]', async t => {
  const clock = fakeClock()
  const warnings: string[] = []
  const listen = (warning: Error) => void warnings.push(warning.name)
  process.on('warning', listen)
  let rings = 0
  const alarm = new Alarm({
    clock,
    ring: () => {
      rings++
    }
  })
  alarm.set(clock.now() + 400 * 86_400_000)
  await delay(20)
  alarm.clear()
  process.off('warning', listen)
  t.equal(rings, 0)
  t.strictSame(warnings, [])
})

t.test('a beat that fails is reported and repeated, never overlaps itself, and stop waits for it', async t => {
  const notices: Notice[] = []
  let running = 0
  let most = 0
  let done = 0
  const ticker = new Ticker({
    notice: notice => void notices.push(notice),
    beats: [
      {
        name: 'fails',
        everyMs: 5,
        run: () => {
          throw new Error('no')
        }
      },
      {
        name: 'slow',
        everyMs: 5,
        run: async () => {
          most = Math.max(most, ++running)
          await delay(20)
          running--
          done++
        }
      }
    ]
  })
  await ticker.start()
  await ticker.start()
  await until('both have run twice', () => notices.length > 2 && done > 1)
  await until('the slow one is running', () => running === 1)
  const before = done
  await ticker.stop()
  t.equal(running, 0)
  t.equal(done, before + 1)
  t.equal(most, 1)
  t.match(notices[0], { kind: 'beat_failed', beat: 'fails', error: { message: 'no' } })
  await ticker.stop()
})

t.test('the watchdog names the tasks that ran while the loop was blocked, and reports a clock jump [F24]', async t => {
  const clock = fakeClock()
  const notices: Notice[] = []
  const jumps: number[] = []
  const beat = watchdog({
    clock,
    notice: notice => void notices.push(notice),
    suspects: () => ['hog'],
    jumped: ms => void jumps.push(ms)
  })
  clock.advance(60_000)
  await beat.run()
  t.strictSame(notices, [], 'time before the first look does not count')
  clock.advance(1000)
  await beat.run()
  t.strictSame(notices, [], 'on time')
  clock.advance(4500)
  await beat.run()
  t.strictSame(notices.splice(0), [{ kind: 'loop_blocked', ms: 3500, tasks: ['hog'] }])
  clock.set(clock.now() + 8 * 3_600_000)
  clock.advance(1000)
  await beat.run()
  t.strictSame(notices, [{ kind: 'clock_jumped', ms: 28_800_000 }])
  t.strictSame(jumps, [28_800_000])
})

t.test('an error after the end of a run is attributed to it [F25]', async t => {
  const notices: Notice[] = []
  const late = new UncaughtErrors(notice => void notices.push(notice))
  // The listeners of tap would fail the test.
  const others = ['uncaughtException', 'unhandledRejection'].map(name => [name, process.rawListeners(name)] as const)
  for (const [name] of others) process.removeAllListeners(name)
  await late.start()
  runScope.run({ id: 'r1', task: 'hasty' }, () => {
    setTimeout(() => {
      throw new Error('late throw')
    }, 1)
    setTimeout(() => {
      void Promise.reject(new Error('late rejection'))
    }, 2)
  })
  await until('both are reported', () => notices.length === 2)
  await late.stop()
  for (const [name, listeners] of others) for (const listener of listeners) process.on(name, listener as () => void)
  t.match(notices, [
    { kind: 'late_error', id: 'r1', task: 'hasty', error: { message: 'late throw' } },
    { kind: 'late_error', id: 'r1', task: 'hasty', error: { message: 'late rejection' } }
  ])
})

t.test('an uncaught error outside runs ends the process', async t => {
  const script = `import { UncaughtErrors } from '${import.meta.resolve('../../core/work/context/uncaught.ts')}'
    await new UncaughtErrors(() => console.log('attributed')).start()
    setTimeout(() => { throw new Error('mine') }, 1)
    setTimeout(() => console.log('survived'), 200)`
  const ended = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]).catch((
    error: unknown
  ) => error)
  t.match(ended, { code: 7, stderr: /Error: mine/, stdout: '' })
})
