import { times } from '../depth.ts'
import fc from 'fast-check'
import t from 'tap'
import { HOUR, MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { MISFIRES } from '../../core/model/task/task.ts'
import { fakeClock } from '../clock.ts'
import { harness, scratch } from './harness.ts'
import type { Misfire } from '../../core/model/task/task.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const every = (
  seconds: number
) => ({ id: 'a', trigger: 'interval', trigger_args: { seconds }, overlap: 'allow' } as const)

type Harness = Awaited<ReturnType<typeof harness>>

const runsOf = async ({ engine }: Harness) => (await engine.list({ task: 'a', limit: 1000 })).items

async function pass (it: Harness, ms: number) {
  for (let passed = 0; passed < ms; passed += 5 * SECOND) {
    it.clock.advance(5 * SECOND)
    await it.planner.fire()
  }
}

t.test('an interval continues by elapsed time when the clock is set back by any amount [F16]', async t => {
  for (const back of [20 * SECOND, HOUR, HOUR + 7 * SECOND, 24 * HOUR, 3650 * 24 * HOUR]) {
    const it = await harness(t, { tasks: [every(60)], at: new Date(NOW).toISOString() })
    await it.runner.stop()
    await pass(it, 10 * MINUTE + 30 * SECOND)
    t.equal((await runsOf(it)).length, 10)
    it.clock.set(it.clock.now() - back)
    await pass(it, 10 * MINUTE)
    t.equal((await runsOf(it)).length, 20, `${back / SECOND} s back: one run a minute`)
    t.match(it.noticesOf('replanned'), [{ schedules: 1 }])
    await it.close()
  }
})

t.test('a monotonic clock with fractions keeps instants whole', async t => {
  const clock = fakeClock(NOW)
  let fraction = 0
  const it = await harness(t, {
    tasks: [every(60)],
    clock: { ...clock, monotonic: () => clock.monotonic() + (fraction += 0.1234) }
  })
  await it.runner.stop()
  await pass(it, 2 * MINUTE)
  it.clock.set(it.clock.now() - HOUR)
  await pass(it, 5 * MINUTE)
  t.equal((await runsOf(it)).length, 7)
  t.strictSame(it.planner.faults, [])
})

t.test('an interval of a day fires a day later although the clock is set back by an hour', async t => {
  const it = await harness(t, { tasks: [every(86_400)], at: new Date(NOW).toISOString() })
  await it.runner.stop()
  it.clock.advance(20 * HOUR)
  await it.planner.fire()
  it.clock.set(it.clock.now() - HOUR)
  await it.planner.fire()
  it.clock.advance(4 * HOUR - SECOND)
  await it.planner.fire()
  t.equal((await runsOf(it)).length, 0)
  it.clock.advance(SECOND)
  await it.planner.fire()
  t.equal((await runsOf(it)).length, 1)
})

t.test('an interval last fired in the future by an earlier process continues from now [F17]', async t => {
  const folder = scratch(t)
  const first = await harness(t, { tasks: [every(60)], folder, at: new Date(NOW + HOUR).toISOString() })
  await pass(first, 5 * MINUTE)
  await first.close()
  const it = await harness(t, { tasks: [every(60)], folder, at: new Date(NOW).toISOString() })
  await it.runner.stop()
  await pass(it, 5 * MINUTE)
  t.equal((await runsOf(it)).length, 10, 'one run a minute before and after')
})

/** The fires of a minutely schedule, computed without heaps, rows or keys; the value says whether a run started. */
class Model {
  readonly fired = new Map<number, boolean>()
  #cursor: number
  #seen: number
  readonly #policy: Misfire
  readonly #cap: number

  constructor (at: number, policy: Misfire, cap: number) {
    this.#cursor = this.#seen = at
    this.#policy = policy
    this.#cap = cap
  }

  /** Fires what is due at the wall time `at`, `counted` ms of monotonic time after the last look. */
  look (at: number, counted: number): void {
    const isBack = this.#seen + counted > at + 10 * SECOND
    this.#seen = at
    if (isBack && this.#cursor > at + 10 * SECOND) this.#cursor = at
    const due: number[] = []
    for (let minute = Math.floor(this.#cursor / MINUTE) + 1; minute * MINUTE <= at; minute++) due.push(minute * MINUTE)
    if (due.length === 0) return
    const last = due.at(-1)!
    this.#cursor = last
    if (this.#policy === 'run_all') { for (const one of due.slice(-this.#cap)) this.#fire(one, true) }
    else this.#fire(last, this.#policy === 'run_latest' || at - last <= MINUTE / 2)
  }

  #fire (at: number, runs: boolean): void {
    if (!this.fired.has(at)) this.fired.set(at, runs)
  }
}

const step = fc.record({
  counted: fc.integer({ min: 1, max: 600 }).map(seconds => seconds * SECOND),
  jump: fc.oneof(fc.constant(0), fc.integer({ min: -7200, max: 7200 }), fc.integer({ min: -30, max: 30 })).map(
    seconds => seconds * SECOND
  )
})

/** The fires of the planner and those of the model as JSON, oldest first. */
async function play (misfire: Misfire, steps: readonly { counted: number, jump: number }[]): Promise<[string, string]> {
  const cap = 5
  const tasks = [
    {
      id: 'a',
      trigger: 'cron',
      trigger_args: { minute: '*' },
      overlap: 'allow',
      misfire,
      misfireGraceMs: MINUTE / 2,
      max_catch_up: cap
    } as const
  ]
  const closing: (() => unknown)[] = []
  const it = await harness({
    teardown: close => {
      closing.push(close)
    }
  }, { tasks, at: new Date(NOW).toISOString() })
  await it.runner.stop()
  const model = new Model(NOW, misfire, cap)
  for (const { counted, jump } of steps) {
    it.clock.advance(counted)
    it.clock.set(it.clock.now() + jump)
    await it.planner.fire()
    model.look(it.clock.now(), counted)
  }
  const fired = (await runsOf(it)).map(({ nominal_at: at, state }): [number, boolean] => [at, state !== 'skipped'])
  for (const close of closing.toReversed()) await close()
  const words = (all: [number, boolean][]) => JSON.stringify(all.toSorted(([a], [b]) => a - b))
  return [words(fired), words([...model.fired])]
}

t.test('over any clock steps each misfire policy does the same as the model [F16, F17, F19, F20]', async () => {
  for (const misfire of MISFIRES) {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async steps => {
      const [found, expected] = await play(misfire, steps)
      if (found !== expected) throw new Error(`${misfire} fired ${found}, the model ${expected}`)
    }), { numRuns: times(20) })
  }
})
