import { times } from '../../depth.ts'
import t from 'tap'
import fc from 'fast-check'
import { MINUTE } from '../../../core/model/base/duration.ts'
import { NOON, config, desktop, laptop } from '../gates/machine.ts'
import { PRIORITIES, SOURCES } from '../../../core/model/run/run.ts'
import { runOf, store } from './store.ts'
import { verdictOn } from '../../../core/model/admit/admission-input.ts'
import type { ConfigFile } from '../../../core/model/config/config.ts'
import type { AdmissionInput } from '../../../core/model/admit/admission-input.ts'
import type { Run } from '../../../core/model/run/run.ts'
import type { Turns } from '../../../core/model/conditions/relaxation.ts'
import type { Task } from '../../../core/model/task/task.ts'

const IDS = ['a', 'b', 'c', 'd'] as const
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const tasks: fc.Arbitrary<Partial<Task>[]> = fc.tuple(...IDS.map(id =>
  fc.record({
    concurrency: fc.constantFrom(1, 2, Infinity),
    class: fc.constantFrom(null, null, 'critical' as const, 'background' as const, 'charging_only' as const),
    locks: fc.constantFrom([], [], ['x'], ['y'], ['x', 'y']),
    alone: fc.constantFrom(false, false, false, true),
    enabled: fc.constantFrom(true, true, true, false),
    deadlineMs: fc.constantFrom(10, 60, 24 * 60).map(minutes => minutes * MINUTE),
    on_deadline: fc.constantFrom('run' as const, 'run' as const, 'skip' as const),
    on_unmet: fc.constantFrom('hold' as const, 'hold' as const, 'run' as const, 'skip' as const),
    constraints: fc.constantFrom({}, {}, { power: 'mains' as const }, { battery_above: 60 }, { window: '22:00-06:00' })
  }).map(task => ({ id, ...task }))
))

const waiting = fc.array(fc.record({
  task: fc.constantFrom(...IDS, 'gone'),
  priority: fc.constantFrom(...PRIORITIES),
  queue: fc.constantFrom('default', 'default', 'q'),
  source: fc.constantFrom(...SOURCES),
  minutes: fc.constantFrom(0, 0, 1, 3, 7, 9, 12, 40, 59, 61, 100),
  own: maybe(fc.constantFrom(5, 30, 200)),
  turn: fc.constantFrom(0, 0, 0, 1),
  now: fc.constantFrom(false, false, false, true)
}), { minLength: 4, maxLength: 24, size: 'max' })

const files: fc.Arbitrary<ConfigFile> = fc.record({
  scheduling: fc.record({
    priority_slots: fc.constantFrom('never' as const, 'always' as const, 'on_battery' as const),
    profile_slots: fc.constantFrom('never' as const, 'always' as const, 'on_battery' as const),
    max_background_batch: fc.constantFrom(1, 5)
  }),
  queues: fc.constantFrom<NonNullable<ConfigFile['queues']>>({}, { q: { concurrency: 1 } }, {
    q: { rate: { limit: 2, per: '1m' } }
  }, { default: { concurrency: 3 }, q: { concurrency: 2, rate: { limit: 1, per: '1h' } } })
})

const worlds = fc.record({
  tasks,
  waiting,
  file: files,
  reading: fc.constantFrom(desktop(), laptop(5), laptop(20), laptop(45), laptop(90), laptop(60, 'mains')),
  slots: fc.integer({ min: 1, max: 6 }),
  piledUp: maybe(fc.constantFrom(NOON, NOON - 5 * MINUTE)),
  pause: maybe(fc.constantFrom({ scope: 'task' as const, name: 'a' }, { scope: 'queue' as const, name: 'q' })),
  turns: maybe(fc.constantFrom<Turns>({}, { high: NOON - MINUTE })),
  others: fc.constantFrom(undefined, { tasks: { b: 1 }, queues: { q: 1 }, locks: { x: 'c' } })
})

type World = typeof worlds extends fc.Arbitrary<infer W> ? W : never

function runsOf (world: World): Run[] {
  const definitions = new Map(world.tasks.map(task => [task.id, task]))
  return world.waiting.map(({ minutes, own, ...rest }, place) => {
    const due_at = NOON - minutes * MINUTE
    const length = own === undefined ? definitions.get(rest.task as 'a')?.deadlineMs ?? 60 * MINUTE : own * MINUTE
    return runOf({
      ...rest,
      id: `r${String(place).padStart(3, '0')}`,
      due_at,
      deadline_at: due_at + length,
      single: own !== undefined || rest.now || rest.turn > 0 || rest.source === 'catch_up'
    })
  })
}

/** What a queue with a rate has left after that many starts. */
function bucketsAfter (started: readonly Run[], { queues }: ReturnType<typeof config>): AdmissionInput['buckets'] {
  return new Map(Object.entries(queues).flatMap(([name, { rate }]) =>
    rate === undefined
      ? []
      : [[name, { tokens: rate.limit - started.filter(({ queue }) => queue === name).length, at: NOON }] as const]
  ))
}

function storeOf (world: World, settings: ReturnType<typeof config>) {
  const { piledUp, pause, reading, slots, turns, others } = world
  return store(world.tasks, runsOf(world), {
    reading,
    slots,
    config: settings,
    others,
    ...turns && { turns },
    piledUpBefore: piledUp ?? null,
    pauses: pause === undefined ? [] : [{ ...pause, until: null, by: 'ada', at: NOON }]
  })
}

function mustStart (run: Run, input: AdmissionInput): void {
  const verdict = verdictOn(input, run)
  if (verdict.decision === 'start') return
  const closed = verdict.gates.filter(({ ok }) => !ok).map(({ message }) => message)
  throw new Error(`run ${run.id} of ${run.task} was claimed: ${closed.join('; ')}`)
}

t.test('whatever the world: a run is claimed if and only if its verdict is to start when its turn comes', t => {
  let claimed = 0
  fc.assert(fc.property(worlds, world => {
    const settings = config(world.file)
    const shop = storeOf(world, settings)
    for (;;) {
      const before = [...shop.running]
      const asked = { ...shop.ask(), buckets: bucketsAfter(before, settings) }
      const { runs, found } = shop.claim(asked)
      for (const [place, run] of runs.entries()) {
        const started = [...before, ...runs.slice(0, place)]
        mustStart(run, {
          ...shop.ask(),
          running: shop.begunOf(started),
          buckets: bucketsAfter(started, settings),
          reserved: found.reserved
        })
      }
      claimed += runs.length
      if (runs.length > 0) continue
      const facts = { ...shop.ask(), buckets: bucketsAfter(shop.running, settings), reserved: found.reserved }
      const left = shop.left.find(run => verdictOn(facts, run).decision === 'start')
      if (left !== undefined) throw new Error(`run ${left.id} of ${left.task} was left, and its verdict is to start`)
      return true
    }
  }), { numRuns: times(3000) })
  t.ok(claimed > times(3000), `${claimed} runs were claimed`)
  t.end()
})
