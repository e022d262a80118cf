import { deepEqual } from 'node:assert/strict'
import type { Engine } from '../../../core/engine/engine.ts'
import { PRIORITIES, STATES, isFinal } from '../../../core/model/run/run.ts'
import type { Lease, State } from '../../../core/model/run/run.ts'
import type { Outcome } from '../../../core/model/run/outcome.ts'
import type { Usage } from '../../../core/model/run/usage.ts'
import { comparable, wanted } from './compare.ts'
import type { Draw } from './random-draw.ts'
import type { ReferenceEngine } from './reference-engine.ts'
import { judged } from './expected-holds.ts'
import { isWaiting } from './expected-run.ts'
import type { ExpectedRun } from './expected-run.ts'
import { expireIn } from './reference-expire.ts'

/** `boots`: the number of restarts. `batched`: several calls are drawn before the first is made, so a call may concern
 *  a run that an earlier one has removed. */
export interface World {
  engine: Engine
  reference: ReferenceEngine
  boots: number
  batched?: boolean
}

/** One call: `call` makes it, `apply` applies it to the reference and throws where the result differs.
 *  `refused`: the code of the error that the call must reject with. */
export interface Act {
  call: () => Promise<unknown>
  apply: (found: never) => void
  refused?: string
}

/** Draws a call for the current world; null: no run is in a suitable state. */
export type Step = (world: World, draw: Draw) => Act | null

export const act = <T>(call: () => Promise<T>, apply: (found: T) => void): Act => ({ call, apply })

export const LEASE = 1000
const RUNNING = ['running'] as const
export const ownerOf = ({ boots }: World): string => `boot-${boots}`
export const reasonOf = (code: string, by = 'ann') => ({ code, message: code, by })

/** A run, rarely in another state than the given ones. */
function some ({ reference: { runs } }: World, draw: Draw, states: readonly State[] = STATES): ExpectedRun | undefined {
  const fit = runs.filter(({ state }) => states.includes(state))
  return draw.among(draw.below(6) === 5 || fit.length === 0 ? runs : fit)
}

/** A run of the engine equals that of the reference; one that was removed meanwhile is null. */
const same = (reference: ReferenceEngine, run: Parameters<typeof comparable>[0] | null, was: ExpectedRun) =>
  deepEqual(run && comparable(run), reference.runs.includes(was) ? wanted(was, reference) : null)

/** A lease of the run, rarely a stale one. */
const leaseOf = ({ id, turn }: ExpectedRun, draw: Draw): Lease => ({ id, turn: turn + draw.of([0, 0, 0, 0, -1, 1]) })

const isHeld = (reference: ReferenceEngine, run: ExpectedRun, { turn }: Lease) =>
  reference.runs.includes(run) && run.state === 'running' && run.turn === turn

function outcomeOf ({ reference: { now } }: World, draw: Draw): Outcome {
  const error = { name: 'Error', message: draw.of(['alpha', 'beta']) }
  const later = now + draw.of([0, 0, 7, 40])
  return draw.of<() => Outcome>([
    () => ({ kind: 'completed', result: draw.of([null, 1]) }),
    () => ({ kind: 'failed', error, retry_at: later }),
    () => ({ kind: 'failed', error, retry_at: null, ...draw.below(2) === 1 && { reason: reasonOf('time_spent') } }),
    () => ({ kind: 'postponed', reason: reasonOf(draw.of(['yield', 'wait'])), due_at: later }),
    () => ({ kind: 'skipped', reason: reasonOf('nothing') }),
    () => ({ kind: 'cancelled', reason: reasonOf('stop') })
  ])()
}

const USED: readonly (Usage | null)[] = [
  null,
  null,
  { cpu_seconds: 0.25, memory_peak_bytes: 5, read_bytes: null, written_bytes: null },
  { cpu_seconds: 1.5, memory_peak_bytes: 3, read_bytes: null, written_bytes: null }
]

const settle: Step = (world, draw) => {
  const { engine, reference } = world
  const run = some(world, draw, RUNNING)
  if (!run) return null
  const lease = leaseOf(run, draw)
  const [outcome, used, lines] = [outcomeOf(world, draw), draw.of(USED), draw.of<string[]>([[], ['settled']])]
  const logs = lines.map(text => ({ at: reference.now, level: 30, text }))
  const begun = outcome.kind !== 'postponed' || draw.below(3) < 2
  return act(() => engine.settle({ lease, outcome, now: reference.now, logs, begun, ...used && { used } }), found => {
    const holds = reference.runs.includes(run) && reference.settle(run, lease.turn, { outcome, used, lines, begun })
    // A repeated settlement returns the run again; the contract tests which ones do.
    if (holds) same(reference, found, run)
    else if (found !== null) {
      deepEqual([found.id, found.turn, found.state === 'running'], [run.id, lease.turn, false],
        'a stale lease changes nothing')
    }
  })
}

const report: Step = (world, draw) => {
  const { engine, reference } = world
  const run = some(world, draw, RUNNING)
  if (!run) return null
  const lease = leaseOf(run, draw)
  const [child, checkpoint, text] = [draw.of([undefined, { pid: 7, started: 's' }, null]),
    draw.of([undefined, { at: 1 }, { at: 2 }]), draw.of([undefined, 'reported'])]
  const reported = {
    ...child !== undefined && { child },
    ...checkpoint !== undefined && { checkpoint },
    ...text !== undefined && { logs: [{ at: reference.now, level: 30, text }] }
  }
  return act(() => engine.report({ lease, now: reference.now, ...reported }), found => {
    deepEqual(found, isHeld(reference, run, lease))
    if (!found) return
    if (child !== undefined) run.child = child?.pid ?? null
    if (checkpoint !== undefined) run.checkpoint = checkpoint
    if (text !== undefined) run.lines.push(text)
  })
}

const ownerFor = (world: World, draw: Draw): string => draw.of([ownerOf(world), ownerOf(world), 'other'])

const byId = <T extends { id: string }>(list: readonly T[]): T[] => list.toSorted((a, b) => a.id < b.id ? -1 : 1)

const beat: Step = (world, draw) => {
  const { engine, reference } = world
  const owner = ownerFor(world, draw)
  const until = reference.now + LEASE + draw.below(9)
  return act(() => engine.beat({ owner, now: reference.now, until }), ({ running, cancel }) => {
    reference.renew(owner, until)
    const own = reference.runs.filter(run => run.state === 'running' && run.owner === owner)
    deepEqual(byId(running), own.map(({ id, turn }) => ({ id, turn })), 'its running runs')
    deepEqual(byId(cancel).map(({ id, reason }) => [id, reason.code]),
      own.flatMap(run => run.cancel === null ? [] : [[run.id, run.cancel]]), 'requests to stop')
  })
}

const expire: Step = ({ engine, reference }, draw) => {
  const ask = { restart: draw.of(['restart', 'restart', 'fail'] as const), crash_cap: draw.of([3, 2]) }
  const late = reference.owners.look(reference.now)
  return act(() => engine.expire({ ...ask, now: reference.now }), ({ queued, failed }) => {
    const lost = expireIn(reference, ask, late)
    const those = (is: (run: ExpectedRun) => boolean) => byId(lost.filter(is)).map(run => wanted(run, reference))
    deepEqual([byId(queued).map(comparable), byId(failed).map(comparable)], [those(isWaiting),
      those(run => run.state === 'failed')])
  })
}

const leave: Step = (world, draw) => {
  const { engine, reference } = world
  const owner = ownerFor(world, draw)
  return act(() => engine.leave({ owner }), () => {
    reference.gone([owner])
  })
}

const cancel: Step = (world, draw) => {
  const { engine, reference } = world
  const run = some(world, draw, ['queued', 'blocked', 'running'])
  if (!run) return null
  const code = draw.of(['stop', 'enough'])
  const record = draw.of([undefined, { by: 'ann', action: 'cancel', detail: null }])
  return act(() => engine.cancel({ id: run.id, reason: reasonOf(code), now: reference.now, ...record && { record } }),
    found => {
      const changes = reference.runs.includes(run) && !isFinal(run.state) && run.cancel === null
      if (reference.runs.includes(run)) reference.cancel(run, code)
      if (record && changes) reference.records += 1
      same(reference, found, run)
    })
}

const retry: Step = (world, draw) => {
  const { engine, reference } = world
  const run = some(world, draw, STATES.filter(isFinal))
  if (!run) return null
  const due_at = reference.now + draw.of([0, 0, 30])
  return act(() => engine.retry({ id: run.id, now: reference.now, due_at }), found => {
    if (reference.runs.includes(run)) reference.retry(run, due_at)
    same(reference, found, run)
  })
}

const edit: Step = (world, draw) => {
  const { engine, reference } = world
  const run = some(world, draw, ['queued', 'blocked'])
  if (!run) return null
  const [priority, due_at, payload] = [draw.of([undefined, ...PRIORITIES]),
    draw.of([undefined, reference.now, reference.now + 25]), draw.of([undefined, 3, null])]
  const change = {
    ...priority !== undefined && { priority },
    ...due_at !== undefined && { due_at },
    ...payload !== undefined && { payload }
  }
  return act(() => engine.edit({ id: run.id, now: reference.now, by: 'ann', ...change }), found => {
    if (reference.runs.includes(run) && isWaiting(run)) {
      if (priority !== undefined || due_at !== undefined) reference.alone(run)
      Object.assign(run, change)
      reference.records += 1
    }
    same(reference, found, run)
  })
}

const end: Step = (world, draw) => {
  const { engine, reference } = world
  const run = some(world, draw, ['queued', 'blocked'])
  if (!run) return null
  const as = draw.of(['skipped', 'failed'] as const)
  return act(() => engine.end({ id: run.id, now: reference.now, as, reason: reasonOf('late') }), found => {
    if (reference.runs.includes(run) && isWaiting(run)) {
      reference.over(run, as, { reason: 'late', ...as === 'failed' && { error: null } })
    }
    same(reference, found, run)
  })
}

/** A verdict on one run, or on the runs of its cohort that are due within a range. */
const hold: Step = (world, draw) => {
  const { engine, reference } = world
  const run = some(world, draw, ['queued'])
  if (!run) return null
  const verdict = {
    owner: ownerFor(world, draw),
    at: reference.now,
    code: draw.of(['battery', 'window', null]),
    message: draw.of(['low', 'lower'])
  }
  const key = draw.below(4) === 3 ? null : reference.cohortOf(run)
  const cohort = key &&
    {
      ...key,
      ...draw.of([{ from: 0, until: reference.now }, { from: 0, until: reference.now }, {
        from: 0,
        until: run.due_at - 1
      }, {
        from: run.due_at,
        until: run.due_at
      }])
    }
  const waits = () =>
    cohort !== null &&
    reference.runs.some(other =>
      other.state === 'queued' && JSON.stringify(reference.cohortOf(other)) === JSON.stringify(key)
    )
  return act(() => engine.hold([{ ...verdict, ...cohort ? { cohort } : { id: run.id } }]), () => {
    if (cohort && (waits() || verdict.code === null)) reference.events.push({ kind: 'judged', ...verdict, cohort })
    if (!cohort && reference.runs.includes(run) && run.state === 'queued') {
      run.own = [...run.own.slice(0, run.past), ...judged(run.own.slice(run.past), verdict)]
    }
  })
}

const discard: Step = (world, draw) => {
  const { engine, reference } = world
  const run = some(world, draw, STATES.filter(isFinal))
  if (!run) return null
  return act(() => engine.discard({ id: run.id, reason: reasonOf('gone'), now: reference.now }), found => {
    same(reference, found, run)
    if (!reference.runs.includes(run) || !isFinal(run.state)) return
    reference.remove(run)
    reference.records += 1
  })
}

/** Advances the clock, and rarely sets it back. */
export const wait: Step = ({ reference }, draw) =>
  act(async () => undefined, () => {
    reference.now += draw.of([1, 5, 20, 60, -15, 61_000])
  })

/** Stops and starts the engine, after which all owners are gone. */
export const restart: Step = world =>
  act(async () => {
    await world.engine.stop()
    await world.engine.start()
    return (await world.engine.health(world.reference.now)).mended
  }, mended => {
    deepEqual(mended, { count: 0, rows: [] }, 'the engine writes values in range')

    world.boots += 1
    world.reference.owners.lookedAt = null
    world.reference.gone(null)
  })

/** Steps that concern one run or one owner. */
export const STEPS: Record<string, Step> = {
  settle,
  report,
  beat,
  expire,
  leave,
  cancel,
  retry,
  edit,
  end,
  hold,
  discard
}
