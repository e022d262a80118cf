import { idempotencyConflict, queueFull } from '../../../model/errors/request-errors.ts'
import type { Detail } from '../../../model/errors/errors.ts'
import type { NewRun, Run } from '../../../model/run/run.ts'
import { retryAfter } from '../../../model/config/retry-after.ts'
import { hasDependencies, throwIfFaulty } from '../../checks.ts'
import type { AddOptions, Added, QueueBound, KeyedRequest } from '../../engine.ts'
import type { Tables } from '../state/tables.ts'
import { cascade, addDependencies, prerequisitesOf } from '../rows/dependencies.ts'
import { nextKnown } from './due.ts'
import { factOf, keep } from '../rows/facts.ts'
import { dropOldest, queues } from '../lists/queues.ts'
import { writeNote } from '../rows/audit-records.ts'
import { addOne, keyHolder } from '../rows/keys.ts'

/** Adds runs, then their dependencies. Every check moves before the first write. Throws OFFPEAK_INPUT_INVALID when a
 *  prerequisite is unknown, OFFPEAK_QUEUE_FULL and OFFPEAK_IDEMPOTENCY_CONFLICT. */
export function add (
  tables: Tables,
  runs: readonly NewRun[],
  now: number,
  { bounds = {}, record, request }: AddOptions = {}
): Added[] {
  const isLinked = hasDependencies(runs)
  if (isLinked) throwIfFaulty(unknownIds(tables, runs))
  if (request) checkRequest(tables, request)
  const crowded = overfullQueues(tables, runs, { bounds, now })
  if (request) keep(tables, { name: request.name, value: request.digest, now, was: null })
  const added = runs.map(run => addOne(tables, run, now))
  if (isLinked) linkAll(tables, runs, { added, now })
  for (const [queue, max] of crowded) dropOldest(tables, { queue, max, now })
  // The dependents of dropped runs end before the call resolves.
  if (crowded.length > 0) cascade(tables)
  const answers = isLinked || crowded.length > 0
    ? added.map(({ run, ...rest }) => ({ ...rest, run: tables.read(run.id)! }))
    : added
  for (const { run, created } of answers) {
    if (
      created && run.state !== 'skipped'
    ) tables.memory.emit({ kind: 'added', run })
  }
  const first = answers.find(({ created }) => created)
  if (record && first) writeNote(tables, record, { at: now, subject: first.run.id })
  return answers
}

/** Throws OFFPEAK_IDEMPOTENCY_CONFLICT when the key was used for a request with another digest. */
function checkRequest (tables: Tables, { key, name, digest }: KeyedRequest): void {
  const known = factOf(tables, name)
  if (known !== null && known.value !== JSON.stringify(digest)) throw idempotencyConflict(key)
}

interface DependencyLinks {
  added: readonly Added[]
  now: number
}

function linkAll (tables: Tables, runs: readonly NewRun[], { added, now }: DependencyLinks): void {
  const refs = new Map(
    runs.flatMap(({ ref }, index) => ref === undefined ? [] : [[ref, added[index]!.run.id] as const])
  )
  for (const [index, { after = [] }] of runs.entries()) {
    const { run, created } = added[index]!
    if (created && run.state === 'blocked') {
      addDependencies(tables, run, { prerequisites: prerequisitesOf(after, refs), now })
    }
  }
  cascade(tables)
}

/** The faults for unknown prerequisites. */
const unknownIds = (tables: Tables, runs: readonly NewRun[]): Detail[] =>
  runs.flatMap(({ after = [] }, index) =>
    after.flatMap(({ run }, place) =>
      run.startsWith('#') || tables.read(run)
        ? []
        : [{ pointer: `/${index}/after/${place}/run`, detail: `there is no run '${run}'` }]
    )
  )

interface Bounding {
  bounds: Readonly<Record<string, QueueBound>>
  now: number
}

/** The queues whose oldest runs are dropped for the new ones. Throws OFFPEAK_QUEUE_FULL where the bound refuses. */
function overfullQueues (
  tables: Tables,
  runs: readonly NewRun[],
  { bounds, now }: Bounding
): [queue: string, max: number][] {
  return Object.entries(bounds).filter(([queue, { max, on_full: policy }]) => {
    const own = runs.filter(run => run.queue === queue)
    const left = max - tables.memory.lanes.waitingIn(queue)
    if (own.length <= left) return false
    const many = howManyNew(tables, own, now)
    if (many === 0 || many <= left) return false
    if (policy !== 'drop_oldest' || many > max) throw queueFullError(tables, { queue, max, now })
    return true
  }).map(([queue, { max }]) => [queue, max])
}

/** The number of runs that will be added to their queue. A run whose key exists is not new, unless it replaces a
 *  waiting run of another queue. */
function howManyNew (tables: Tables, runs: readonly NewRun[], now: number): number {
  const names = new Set<string>()
  let unnamed = 0
  for (const { task, queue, key = null, unique } of runs) {
    if (key === null) {
      unnamed++
      continue
    }
    const known = keyHolder(tables, { task, key, now })
    const conflict = unique?.conflict
    const isThere = known !== null && (conflict !== 'keep_last' || known.state !== 'running')
    const moves = conflict === 'replace' && isWaiting(known) && known.queue !== queue
    if (!isThere || moves) names.add(`${task}/${key}`)
  }
  return unnamed + names.size
}

const isWaiting = (run: Run | null): run is Run => run?.state === 'queued' || run?.state === 'blocked'

/** OFFPEAK_QUEUE_FULL with an estimate of when to retry. */
export function queueFullError (tables: Tables, { queue, max, now }: { queue: string, max: number, now: number }) {
  const [count] = queues(tables, { now, names: [queue] })
  const { oldest = null, running = 0 } = count ?? {}
  return queueFull({ queue, max, retryAfter: retryAfter({ now, oldest, running, next_at: nextKnown(tables, now) }) })
}
