import { decodeId } from '../../../model/run/id.ts'
import type { Run } from '../../../model/run/run.ts'
import type { Offer } from '../../../model/run/cohort.ts'
import type { ClaimAsk, Claimed } from '../../engine.ts'
import { startAttempt } from '../../transitions.ts'
import { comesFirst } from '../state/lanes.ts'
import { stateNumber } from '../mapping/state-number.ts'
import type { Lane } from '../state/lanes.ts'
import { IS_PLAIN, PLAIN, plainRun } from '../mapping/plain-run.ts'
import { parsed } from '../mapping/json-text.ts'
import type { RunRow } from '../mapping/run-row.ts'
import { QUEUED } from '../state/tables.ts'
import type { Tables } from '../state/tables.ts'
import { resultsFor } from '../rows/dependencies.ts'
import { renewOwner } from './leases.ts'
import { ClaimPools } from './claim-pools.ts'

/** The parts of a claimed run that are not in its row. */
interface RunExtras {
  payload: string | null
  awaits: number | null
}

/** A due run. `parts` absent: they are read when the run is claimed. `plain`: its row has only the columns of `PLAIN`.
 */
interface Candidate {
  run: Run
  parts?: RunExtras
  plain: boolean
}

/** An offer with the runs that were read for it. `after`: where to read on; null: everything was read. `least`: a lower
 *  bound of its runs in their order. */
interface ClaimSource {
  offer: Offer
  index: number
  lane: Lane | null
  queue: string
  until: number
  least: Pick<Run, 'due_at' | 'id'>
  read: Candidate[]
  after: [number, number] | null
}

/** The maximum number of runs that one statement reads for an offer. */
const BATCH = 500

/** Claims runs in the order of (rank, due_at, id) over all offers with room, until none is left. */
export function claim (tables: Tables, ask: ClaimAsk): Claimed[] {
  const { memory } = tables
  const pools = new ClaimPools(memory, ask)
  if (pools.limit < 1) return []
  memory.singles.at(ask.now)
  const waiting = ask.offers.flatMap(
    (offer, index) => sourceOf(tables, { offer, index, now: ask.now })
  ).toSorted(byLeast)
  const taking: ClaimState = { tables, ask, pools, open: [], waiting: waiting.toReversed(), taken: new Set() }
  const claimed: Claimed[] = []
  const plain: Starting[] = []
  for (let source = nextSource(taking); source !== null; source = nextSource(taking)) {
    const next = source.read.shift()!
    taking.taken.add(next.run.id)
    pools.take(source.offer, next.run.queue)
    claimed.push(startRun({ tables, ask, pools, plain }, source, next))
  }
  startAll(tables, plain)
  if (claimed.length > 0) renewOwner(tables, ask.owner, ask.lease_until)
  pools.store(tables)
  return claimed.map(run => ({ ...run, lease_until: memory.owners.get(ask.owner) ?? ask.lease_until }))
}

interface ClaimState {
  tables: Tables
  ask: ClaimAsk
  pools: ClaimPools
  open: ClaimSource[]
  waiting: ClaimSource[]
  taken: Set<string>
}

function sourceOf (tables: Tables, { offer, index, now }: { offer: Offer, index: number, now: number }): ClaimSource[] {
  const { cohort, id } = offer
  const { memory } = tables
  if (id !== undefined) {
    const single = memory.singles.find(id)
    const run = single ? single.run ??= tables.read(id) : tables.read(id)
    if (run?.state !== 'queued' || run.due_at > now) return []
    return [
      { offer, index, lane: null, queue: run.queue, until: now, least: run, read: [{ run, plain: false }], after: null }
    ]
  }
  const lane = cohort && memory.lanes.find(cohort)
  if (!lane || !memory.lanes.waiting.has(lane)) return []
  const first = lane.first === null ? cohort.from : Math.max(cohort.from, lane.first.due_at)
  const until = Math.min(cohort.until, now)
  if (first > until) return []
  return [
    {
      offer,
      index,
      lane,
      queue: lane.queue,
      until,
      least: { due_at: first, id: '' },
      read: [],
      after: [cohort.from - 1, Number.MAX_SAFE_INTEGER]
    }
  ]
}

const byLeast = (a: ClaimSource, b: ClaimSource): number =>
  a.offer.rank - b.offer.rank || (comesFirst(a.least, b.least) ? -1 : 1)

const headOf = ({ read: [next], least }: ClaimSource): Pick<Run, 'due_at' | 'id'> => next?.run ?? least

const isBefore = (a: ClaimSource, b: ClaimSource): boolean =>
  a.offer.rank !== b.offer.rank ? a.offer.rank < b.offer.rank : comesFirst(headOf(a), headOf(b))

/** The source whose first run is claimed next, or null. Pools only shrink, so that a source without room is dropped for
 *  good. */
function nextSource (taking: ClaimState): ClaimSource | null {
  const { pools, waiting } = taking
  if (pools.limit < 1) return null
  taking.open = taking.open.filter(source => pools.hasRoom(source.offer, source.queue) && isFilled(taking, source))
  let best: ClaimSource | null = null
  for (const source of taking.open) if (best === null || isBefore(source, best)) best = source
  while (waiting.length > 0 && (best === null || isBefore(waiting.at(-1)!, best))) {
    const source = waiting.pop()!
    if (!pools.hasRoom(source.offer, source.queue) || !isFilled(taking, source)) continue
    taking.open.push(source)
    if (best === null || isBefore(source, best)) best = source
  }
  return best
}

/** True when the source has a run to claim. Another offer may have claimed what was read. */
function isFilled ({ tables, pools, open, taken: gone }: ClaimState, source: ClaimSource): boolean {
  for (;;) {
    while (source.read.length > 0 && gone.has(source.read[0]!.run.id)) source.read.shift()
    if (source.read.length > 0) return true
    if (source.after === null || source.lane === null) return false
    const most = Math.min(BATCH, Math.ceil(pools.most(source.offer, source.queue) / Math.max(1, open.length)) + 1)
    read(tables, source, most)
  }
}

/** Reads the next runs of a cohort in order. */
function read (tables: Tables, source: ClaimSource, most: number): void {
  const lane = source.lane!
  const [due, id] = source.after!
  const { first, counts } = lane
  const queued = counts[stateNumber('queued')]!
  if (queued === 0 || (first && queued === 1)) {
    source.after = null
    if (first && first.due_at > due && first.due_at <= source.until) source.read = [{ run: first, plain: false }]
    return
  }
  const rows = tables.lists(`
    select coalesce(run.payload, payload.json), ${IS_PLAIN}, ${PLAIN} from run indexed by run_queued
    left join payload on payload.run = run.id
    where ${QUEUED} and due_at <= ?
    order by due_at, run.id limit ?`, lane.id, due, id, source.until, most)
  source.read = rows.map(([payload, plain, ...values]) =>
    plain
      ? { run: plainRun(values, lane), parts: { payload: payload as string | null, awaits: null }, plain: true }
      : readWhole(tables, values[0] as number, payload as string | null)
  )
  const last = source.read.at(-1)?.run
  source.after = rows.length < most || last === undefined ? null : [last.due_at, decodeId(last.id)!]
}

function readWhole (tables: Tables, id: number, payload: string | null): Candidate {
  const row = tables.one<RunRow>('select * from run where id = ?', id)!
  return { run: tables.toRun(row), parts: { payload, awaits: row.awaits }, plain: false }
}

function partsOf (tables: Tables, run: Run): RunExtras {
  const awaits = tables.memory.hasDependencies
    ? tables.one<{ awaits: number | null }>('select awaits from run where id = ?', decodeId(run.id))?.awaits ?? null
    : null
  return { payload: tables.payloads.of(run.id), awaits }
}

interface Starting {
  queued: Run
  running: Run
  lane: Lane
}

interface Beginning {
  tables: Tables
  ask: ClaimAsk
  pools: ClaimPools
  plain: Starting[]
}

function startRun (
  { tables, ask, pools, plain }: Beginning,
  { offer, index, lane }: ClaimSource,
  next: Candidate
): Claimed {
  const { run: queued } = next
  const { payload, awaits } = next.parts ?? partsOf(tables, queued)
  const running = startAttempt(queued, ask)
  if (lane !== null && next.plain) plain.push({ queued, running, lane })
  else tables.save(queued, running)
  tables.memory.claimed(running.id, { locks: offer.locks ?? [], rated: pools.isRated(queued.queue) })
  const claimed = {
    ...running,
    payload: parsed(payload),
    // A run that was never claimed has no checkpoint.
    checkpoint: queued.turn === 0 ? null : tables.part('checkpoint', running.id),
    offer: index
  }
  tables.memory.emit({ kind: 'claimed', run: running })
  return awaits === null ? claimed : { ...claimed, results: resultsFor(tables, running.id) }
}

/** Writes the first start of plain runs in one statement. */
function startAll (tables: Tables, starting: readonly Starting[]): void {
  if (starting.length === 0) return
  const [{ running: { owner, started_at: at } }] = starting as [Starting]
  const ids = JSON.stringify(starting.map(({ queued }) => decodeId(queued.id)))
  const started = tables.run(`
    update run set state = 2, attempt = 1, turn = 1, owner = ?, started_at = ?
    where id in (select value from json_each(?)) and turn = 0 and state = 1`, owner, at, ids)
  if (started !== starting.length) {
    throw new Error(
      `${starting.length - started} runs to start are no longer queued`
    )
  }
  for (const { queued, running, lane } of starting) tables.follow(queued, running, [lane, lane])
}
