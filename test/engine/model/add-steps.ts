import { deepEqual } from 'node:assert/strict'
import type { Added } from '../../../core/engine/engine.ts'
import { CONDITIONS, CONFLICTS } from '../../../core/model/run/run.ts'
import type { NewRun } from '../../../core/model/run/run.ts'
import { ask, fire, planAsk, schedule } from '../contract/fixtures.ts'
import { comparable, wanted } from './compare.ts'
import type { Draw } from './random-draw.ts'
import type { ReferenceEngine } from './reference-engine.ts'
import { act } from './steps.ts'
import type { Step, World } from './steps.ts'
import { isWaiting } from './expected-run.ts'
import type { ExpectedRun } from './expected-run.ts'

/** Adds one run to the reference, with the id of the engine if it is new. */
function addOne (
  reference: ReferenceEngine,
  asked: NewRun,
  id: string
): { run: ExpectedRun, created: boolean, conflict?: string } {
  const known = reference.named(asked.task, asked.key)
  const conflict = asked.unique?.conflict ?? 'return'
  const beside = known?.state === 'running' && conflict === 'keep_last'
  if (known && beside) known.free = known.displaced = true
  if (!known || beside) return { run: reference.born(asked, id), created: true }
  if (!isWaiting(known) || conflict === 'return') return { run: known, created: false, conflict: 'returned' }
  reference.alone(known)
  if (conflict === 'reschedule') known.due_at = asked.due_at
  else {
    const { queue, priority, due_at, max_retries, payload = null, deadline_at = null, expires = false,
      now = known.now } = asked
    Object.assign(known, {
      queue,
      priority,
      due_at,
      nominal_at: due_at,
      max_retries,
      payload,
      deadline_at,
      expires,
      now
    })
  }
  return { run: known, created: false, conflict: conflict === 'reschedule' ? 'rescheduled' : 'replaced' }
}

function addAll (reference: ReferenceEngine, asks: readonly NewRun[], found: readonly Added[]): void {
  const refs = new Map<string, string>()
  const waits: [ExpectedRun, NewRun][] = []
  const expected = asks.map((asked, index) => {
    const added = addOne(reference, asked, found[index]!.run.id)
    if (asked.ref !== undefined) refs.set(asked.ref, added.run.id)
    if (added.created) waits.push([added.run, asked])
    return { ...added, shown: wanted(added.run, reference) }
  })
  for (const [run, { after = [] }] of waits) {
    if (run.state !== 'blocked') continue
    run.links = after.map(({ run: name, condition }) => {
      const ref = name.startsWith('#') ? name.slice(1) : null
      return { id: ref === null ? name : refs.get(ref)!, ref, condition, counted: null, result: null }
    })
  }
  reference.follow()
  const isFlow = asks.some(({ ref, after }) => ref !== undefined || after !== undefined)
  deepEqual(
    found.map(({ run, created, conflict }) => ({ run: comparable(run), created, conflict })),
    expected.map(({ run, created, conflict, shown }) => ({
      run: isFlow ? wanted(run, reference) : shown,
      created,
      conflict
    }))
  )
}

const DEADLINES = [undefined, undefined, undefined, { deadline_at: 60 }, { deadline_at: 60, expires: true }]
const MORE: readonly Partial<NewRun>[] = [{}, {}, {}, {}, { source: 'schedule' }, { source: 'catch_up' }, { now: true },
  { single: true }]

function asked ({ reference: { now }, batched = false }: World, draw: Draw, more: Partial<NewRun> = {}): NewRun {
  // Calls that share a transaction should concern the same cohorts.
  const [task, priority, queue] = batched
    ? [draw.of(['a', 'a', 'b']), draw.of(['normal', 'normal', 'low'] as const), 'q']
    : [draw.of(['a', 'b']), draw.of(['normal', 'low', 'high', 'critical'] as const), draw.of(['q', 'r'])]
  const due_at = now + draw.of([0, 0, 3, 50, -4])
  const [max_retries, deadline, payload] = [draw.below(3), draw.of(DEADLINES),
    draw.of([undefined, 1, 'long '.repeat(200)])]
  const until = deadline && { ...deadline, deadline_at: Math.max(now, due_at) + deadline.deadline_at }
  return ask({
    task,
    priority,
    queue,
    due_at,
    max_retries,
    ...until,
    ...payload !== undefined && { payload },
    ...draw.of(MORE),
    ...more
  })
}

export const add: Step = (world, draw) => {
  const asks = Array.from({ length: 1 + draw.below(3) }, () => asked(world, draw))
  return act(() => world.engine.add(asks, world.reference.now), found => addAll(world.reference, asks, found))
}

export const name: Step = (world, draw) => {
  const key = draw.of(['k', 'l'])
  const unique = draw.below(6) === 5
    ? undefined
    : { until: draw.of(['started', 'finished', 20, 'kept'] as const), conflict: draw.of(CONFLICTS) }
  const asks = [
    asked(world, draw, { key: `${key}${draw.below(3)}`, task: draw.of(['a', 'b']), ...unique && { unique } })
  ]
  return act(() => world.engine.add(asks, world.reference.now), found => addAll(world.reference, asks, found))
}

export const flow: Step = (world, draw) => {
  const { engine, reference } = world
  // A finished run with a result may be removed before its dependents receive the result.
  const known = world.batched
    ? []
    : draw.below(2) === 0
    ? reference.runs.slice(-20)
    : reference.runs.filter(({ result }) => result !== null)
  const asks = Array.from({ length: 1 + draw.below(4) }, (_, index) => {
    const other = draw.among(known)
    const names = [...index > 0 ? [`#r${draw.below(index)}`] : [], ...other && draw.below(2) === 0 ? [other.id] : []]
    return asked(world, draw, {
      ref: `r${index}`,
      after: names.map(run => ({ run, condition: draw.of(CONDITIONS) })),
      ...draw.below(5) === 4 && { key: 'f' }
    })
  })
  // A ref may name a later run of the call.
  if (draw.below(2) === 1) asks.reverse()
  return act(() => engine.add(asks, reference.now), found => addAll(reference, asks, found))
}

/** Calls that are refused as a whole: invalid input, and a full queue. */
export const refused: Step = (world, draw) => {
  const { engine, reference } = world
  const now = reference.now
  const calls: [code: string, call: () => Promise<unknown>][] = [
    ['OFFPEAK_INPUT_INVALID',
      () => engine.add([ask({ task: 'a' }), ask({ after: [{ run: '00000000000', condition: 'done' }] })], now)],
    ['OFFPEAK_INPUT_INVALID',
      () =>
        engine.add([ask({ ref: 'x', after: [{ run: '#y', condition: 'done' }] }),
          ask({ ref: 'y', after: [{ run: '#x', condition: 'done' }] })], now)],
    ['OFFPEAK_INPUT_INVALID', () => engine.add([ask(), ask({ max_retries: -1 })], now)],
    ['OFFPEAK_QUEUE_FULL',
      () => engine.add([ask({ queue: 'q' })], now, { bounds: { q: { max: 0, on_full: 'refuse' } } })],
    ['OFFPEAK_INPUT_INVALID', () => engine.add([ask({ key: 'never' }), ask({ schedule: {} as never })], now)],
    ['OFFPEAK_INPUT_INVALID',
      () =>
        engine.plan([planAsk({ schedule: schedule({ id: 'c' }), fires: [fire(now)] }), planAsk({
          schedule: schedule({ id: 'd' }),
          fires: [fire(now, { after: [{ run: '00000000000', condition: 'done' }] })]
        })])]
  ]
  const [code, call] = draw.of(calls)
  return { call, apply: () => undefined, refused: code }
}
