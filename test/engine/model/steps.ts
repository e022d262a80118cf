import { deepEqual, rejects } from 'node:assert/strict'
import type { Engine, Room } from '../../../core/engine/engine.ts'
import { PRIORITIES, STATES, isFinal } from '../../../core/model/run/run.ts'
import type { Lease, NewRun, State } from '../../../core/model/run/run.ts'
import type { Outcome } from '../../../core/model/run/outcome.ts'
import type { Used } from '../../../core/model/run/used.ts'
import { ask } from '../contract/ground.ts'
import { told, wanted } from './compare.ts'
import type { Draw } from './draw.ts'
import type { Laws, Was } from './laws.ts'
import { isWaiting } from './laws.ts'

export interface World { engine: Engine, laws: Laws, /** How many processes there were. */ boots: number }

/** One operation, on the engine and on the laws; throws where the two do not agree. */
export type Step = (world: World, draw: Draw) => Promise<void>

const LEASE = 1000
const RUNNING = ['running'] as const
export const ownerOf = ({ boots }: World): string => `boot-${boots}`
export const reasonOf = (code: string, by = 'ann') => ({ code, message: code, by })

/** A run, seldom one in another state than it should be in. */
export function some ({ laws: { runs } }: World, draw: Draw, states: readonly State[] = STATES): Was | undefined {
  const fit = runs.filter(({ state }) => states.includes(state))
  return draw.among(draw.below(6) === 5 || fit.length === 0 ? runs : fit)
}

const same = (run: Parameters<typeof told>[0] | null, was: Was) => deepEqual(run && told(run), wanted(was))

/** A lease that is seldom the one in force. */
const leaseOf = ({ id, turn }: Was, draw: Draw): Lease => ({ id, turn: turn + draw.of([0, 0, 0, 0, -1, 1]) })

const isHeld = (run: Was, { turn }: Lease) => run.state === 'running' && run.turn === turn

function outcomeOf ({ laws: { now } }: World, draw: Draw): Outcome {
  const error = { name: 'Error', message: draw.of(['alpha', 'beta']) }
  const later = now + draw.of([0, 0, 7, 40])
  return draw.of<() => Outcome>([
    () => ({ kind: 'completed', result: draw.of([null, 1]) }),
    () => ({ kind: 'failed', error, retry_at: later }),
    () => ({ kind: 'failed', error, retry_at: null, ...draw.below(2) === 1 && { reason: reasonOf('time_spent') } }),
    () => ({ kind: 'postponed', reason: reasonOf('yield'), due_at: later }),
    () => ({ kind: 'skipped', reason: reasonOf('nothing') }),
    () => ({ kind: 'cancelled', reason: reasonOf('stop') })
  ])()
}

const USED: readonly (Used | null)[] = [null, null, { cpu_seconds: 0.25, memory_peak_bytes: 5, read_bytes: null, written_bytes: null }, { cpu_seconds: 1.5, memory_peak_bytes: 3, read_bytes: null, written_bytes: null }]

async function settle (world: World, draw: Draw): Promise<void> {
  const { engine, laws } = world
  const run = some(world, draw, RUNNING)
  if (!run) return
  const lease = leaseOf(run, draw)
  const [outcome, used, lines] = [outcomeOf(world, draw), draw.of(USED), draw.of<string[]>([[], ['said']])]
  const logs = lines.map(text => ({ at: laws.now, level: 30, text }))
  const begun = outcome.kind !== 'postponed' || draw.below(3) < 2
  const found = await engine.settle({ lease, outcome, now: laws.now, logs, begun, ...used && { used } })
  const holds = laws.settle(run, lease.turn, { outcome, used, lines, begun })
  if (holds) same(found, run)
  else deepEqual(found, null, 'a stale holder is not heard')
}

async function report (world: World, draw: Draw): Promise<void> {
  const { engine, laws } = world
  const run = some(world, draw, RUNNING)
  if (!run) return
  const lease = leaseOf(run, draw)
  const [child, checkpoint, text] = [draw.of([undefined, { pid: 7, started: 's' }, null]), draw.of([undefined, { at: 1 }, { at: 2 }]), draw.of([undefined, 'told'])]
  const said = { ...child !== undefined && { child }, ...checkpoint !== undefined && { checkpoint }, ...text !== undefined && { logs: [{ at: laws.now, level: 30, text }] } }
  deepEqual(await engine.report({ lease, now: laws.now, ...said }), isHeld(run, lease))
  if (!isHeld(run, lease)) return
  if (child !== undefined) run.child = child?.pid ?? null
  if (checkpoint !== undefined) run.checkpoint = checkpoint
  if (text !== undefined) run.lines.push(text)
}

async function renew (world: World, draw: Draw): Promise<void> {
  const { engine, laws } = world
  const runs = laws.runs.filter(({ state }, index) => state === 'running' || index % 5 === 0)
  const leases = runs.map(run => leaseOf(run, draw))
  const until = laws.now + LEASE + draw.below(9)
  const { held, lost } = await engine.renew(leases, until)
  const [ours, others] = [runs.filter((run, index) => isHeld(run, leases[index]!)), runs.filter((run, index) => !isHeld(run, leases[index]!))]
  deepEqual([held.map(({ id, cancel }) => [id, cancel?.code ?? null]), lost], [ours.map(({ id, cancel }) => [id, cancel]), others.map(({ id }) => id)])
  for (const run of ours) run.lease_until = until
}

async function claim (world: World, draw: Draw): Promise<void> {
  const { engine, laws } = world
  const room = draw.of<Room>([
    { tasks: { a: 9, b: 9 } }, { tasks: { a: 1, b: 2 } }, { tasks: { b: 9 } }, { tasks: { a: 9, b: 9 }, queues: { q: 1 } }, { tasks: { a: 9, b: 9 }, priorities: { normal: 1, low: 0 } },
    { tasks: { a: 2, b: 1 }, ahead: { a: 2 } }, { tasks: { a: 9, b: 9 }, ahead: { a: 1, b: 3 }, queues: { r: 1 } }
  ])
  const asked = { owner: ownerOf(world), lease_until: laws.now + LEASE, limit: 1 + draw.below(5), room }
  const claimed = await engine.claim({ ...asked, now: laws.now })
  const taken = laws.claim(asked)
  deepEqual(claimed.map(told), taken.map(wanted))
  for (const [index, run] of taken.entries()) {
    const { payload, checkpoint, results } = claimed[index]!
    const expected = Object.fromEntries(run.links.map(({ id, ref, result }) => [ref ?? id, (laws.find(id) ?? { result }).result]))
    deepEqual([payload, checkpoint, results ?? {}], [run.payload, run.checkpoint, expected])
  }
}

async function cancel (world: World, draw: Draw): Promise<void> {
  const run = some(world, draw, ['queued', 'blocked', 'running'])
  if (!run) return
  const code = draw.of(['stop', 'enough'])
  const found = await world.engine.cancel({ id: run.id, reason: reasonOf(code), now: world.laws.now })
  world.laws.cancel(run, code)
  same(found, run)
}

async function retry (world: World, draw: Draw): Promise<void> {
  const run = some(world, draw, STATES.filter(isFinal))
  if (!run) return
  const due_at = world.laws.now + draw.of([0, 0, 30])
  const found = await world.engine.retry({ id: run.id, now: world.laws.now, due_at })
  world.laws.retry(run, due_at)
  same(found, run)
}

async function edit (world: World, draw: Draw): Promise<void> {
  const { engine, laws } = world
  const run = some(world, draw, ['queued', 'blocked'])
  if (!run) return
  const [priority, due_at, payload] = [draw.of(PRIORITIES), draw.of([undefined, laws.now, laws.now + 25]), draw.of([undefined, 3, null])]
  const change = { priority, ...due_at !== undefined && { due_at }, ...payload !== undefined && { payload } }
  const found = await engine.edit({ id: run.id, now: laws.now, by: 'ann', ...change })
  if (isWaiting(run)) {
    Object.assign(run, change)
    laws.records += 1
  }
  same(found, run)
}

async function end (world: World, draw: Draw): Promise<void> {
  const { engine, laws } = world
  const run = some(world, draw, ['queued', 'blocked'])
  if (!run) return
  const as = draw.of(['skipped', 'failed'])
  const found = await engine.end({ id: run.id, now: laws.now, as, reason: reasonOf('late') })
  if (isWaiting(run)) laws.over(run, as, { reason: 'late', ...as === 'failed' && { error: null } })
  same(found, run)
}

async function hold (world: World, draw: Draw): Promise<void> {
  const run = some(world, draw, ['queued'])
  if (!run) return
  const code = draw.of(['battery', 'window', null])
  await world.engine.hold([{ id: run.id, at: world.laws.now, code, message: '' }])
  if (run.state !== 'queued') return
  if (code !== null && !(run.open && run.codes.at(-1) === code)) run.codes.push(code)
  run.open = code !== null
}

async function discard (world: World, draw: Draw): Promise<void> {
  const { engine, laws } = world
  const run = some(world, draw, STATES.filter(isFinal))
  if (!run) return
  same(await engine.discard({ id: run.id, reason: reasonOf('gone'), now: laws.now }), run)
  if (!isFinal(run.state)) return
  laws.remove(run)
  laws.records += 1
}

/** What cannot be meant is refused as a whole. */
async function wrong ({ engine, laws }: World, draw: Draw): Promise<void> {
  const [first] = laws.runs
  const runs = draw.of<NewRun[]>([
    [ask({ task: 'a' }), ask({ after: [{ run: '00000000000', condition: 'done' }] })], [ask({ ref: 'x' }), ask({ ref: 'x' })],
    [ask({ ref: 'x', after: [{ run: '#y', condition: 'done' }] }), ask({ ref: 'y', after: [{ run: '#x', condition: 'done' }] })], [ask(), ask({ max_retries: -1 })]
  ])
  await rejects(engine.add(runs, laws.now), { code: 'OFFPEAK_INPUT_INVALID' })
  if (first) await rejects(engine.edit({ id: first.id, now: laws.now, by: 'ann', due_at: Number.NaN }), { code: 'OFFPEAK_INPUT_INVALID' })
}

/** A stop and a start in the same process, or in another one after a crash: what is then recovered is what the owner did not have. */
async function restart (world: World, draw: Draw): Promise<void> {
  const { engine, laws } = world
  await engine.stop()
  await engine.start()
  const others = draw.below(3)
  if (others === 0) return
  if (others === 1) world.boots += 1
  const asked = { owner: ownerOf(world), restart: draw.of(['restart', 'restart', 'fail']), crash_cap: draw.of([3, 2]) }
  const running = laws.runs.filter(({ state }) => state === 'running')
  const { queued, failed } = await engine.recover({ ...asked, now: laws.now })
  laws.recover(asked)
  const inState = (state: State) => running.filter(run => run.state === state).toSorted((x, y) => x.id < y.id ? -1 : 1).map(wanted)
  deepEqual([queued, failed].map(list => list.toSorted((x, y) => x.id < y.id ? -1 : 1).map(told)), [inState('queued'), inState('failed')])
}

/** Time goes on, and seldom back. */
async function wait ({ laws }: World, draw: Draw): Promise<void> {
  laws.now += draw.of([1, 5, 20, 60, -15])
}

/** What is done to one run, and what happens to all. */
export const STEPS: Record<string, Step> = { settle, report, renew, claim, cancel, retry, edit, end, hold, discard, wrong, restart, wait }

