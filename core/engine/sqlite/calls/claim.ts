import { PRIORITIES } from '../../../model/run/run.ts'
import type { ClaimAsk, Claimed, Due, DueTask, Room } from '../../engine.ts'
import type { Lane } from '../state/lanes.ts'
import { comesFirst } from '../state/lanes.ts'
import { taken } from '../../transitions.ts'
import { resultsFor } from './dependencies.ts'
import type { Run } from '../../../model/run/run.ts'
import type { RunRow } from '../state/rows.ts'
import { IS_PLAIN, PLAIN, parsed, plainRun, toRun } from '../state/rows.ts'
import type { Store } from '../state/store.ts'
import { QUEUED, queuedIn } from '../state/store.ts'

/** A due run with what is read along with it. */
interface Next { run: Run, payload: string | null, awaits: number | null, plain: boolean }

/** The due runs of one lane, first come first, read a few at a time and one more: who looks next asks for that. */
interface Line { lane: Lane, runs: Next[] }

/** What is left to give of a room while a claim fills it. */
class Left {
  limit: number
  readonly #tasks: Map<string, number>
  readonly #queues: Map<string, number>
  readonly #priorities: Map<string, number>

  constructor (limit: number, { tasks, queues, priorities }: Omit<Room, 'ahead'>) {
    this.limit = limit
    this.#tasks = new Map(Object.entries(tasks))
    this.#queues = new Map(Object.entries(queues ?? {}))
    this.#priorities = new Map(Object.entries(priorities ?? {}))
  }

  get tasks (): string[] {
    return [...this.#tasks.keys()]
  }

  of ({ task, queue, priority }: Lane): number {
    return Math.min(this.limit, this.#tasks.get(task) ?? 0, this.#queues.get(queue) ?? Infinity, this.#priorities.get(priority) ?? Infinity)
  }

  /** No more of this task. */
  close ({ task }: Lane): void {
    this.#tasks.set(task, 0)
  }

  take ({ task, queue, priority }: Lane): void {
    this.limit -= 1
    for (const [counts, name] of [[this.#tasks, task], [this.#queues, queue], [this.#priorities, priority]] as const) {
      const left = counts.get(name)
      if (left !== undefined) counts.set(name, left - 1)
    }
  }
}

/** Takes due runs, most urgent first, then the one due first, within room; when the limit is reached, those that may be taken ahead. */
export function claim (store: Store, ask: ClaimAsk): Claimed[] {
  const left = new Left(ask.limit, ask.room)
  const lines = openLanes(store, left, ask.now).map((lane): Line => ({ lane, runs: [] }))
  const entered: Taking['entered'] = []
  const claimed = take(store, lines, { left, ask, entered })
  if (left.limit < 1 && ask.room.ahead) claimed.push(...take(store, lines, { left: new Left(Infinity, aheadRoom(ask.room)), ask, entered, fits: ({ crashes }) => crashes === 0 }))
  if (entered.length > 0) store.ledger.enter(entered, ask)
  for (const { lane, runs: [next] } of lines) if (next) lane.first = next.run
  return claimed
}

const none = (limits: Record<string, number> = {}) => Object.fromEntries(Object.keys(limits).map(name => [name, 0]))

const aheadRoom = ({ ahead = {}, queues, priorities }: Room): Room => ({ tasks: ahead, queues: none(queues), priorities: none(priorities) })

/** `fits`: which runs may be taken; the first of a task that does not ends it. `entered`: those that go into the ledger. */
interface Taking { left: Left, ask: ClaimAsk, entered: { queued: Run, running: Run }[], fits?: (run: Run) => boolean }

function take (store: Store, lines: readonly Line[], taking: Taking): Claimed[] {
  const { left, ask, fits = () => true } = taking
  const claimed: Claimed[] = []
  for (const priority of PRIORITIES) {
    const same = lines.filter(({ lane }) => lane.priority === priority)
    for (let line = foremost(store, same, left, ask); line; line = foremost(store, same, left, ask)) {
      left.take(line.lane)
      if (fits(line.runs[0]!.run)) claimed.push(start(store, line, taking))
      else left.close(line.lane)
    }
  }
  return claimed
}

/** The line whose first run comes before the others', of those that have room. */
function foremost (store: Store, lines: readonly Line[], left: Left, { now, room: { ahead } }: ClaimAsk): Line | null {
  let best: Line | null = null
  for (const line of lines) {
    if (line.runs.length === 0 && line.lane.due === 0) continue
    const room = left.of(line.lane)
    if (room < 1) continue
    const share = Math.ceil(Math.min(left.limit, room) / lines.length)
    if (line.runs.length === 0) fill(store, line, share + (ahead?.[line.lane.task] ?? 0) + 1, now)
    const [first] = line.runs
    if (first && (!best || before(first.run, best.runs[0]!.run))) best = line
  }
  return best
}

const before = (a: Run, b: Run): boolean => a.due_at !== b.due_at ? a.due_at < b.due_at : a.id < b.id

// Those of the line that were read before are running by now, so the same question brings the ones after them.
function fill (store: Store, line: Line, limit: number, now: number): void {
  const { first, due: count } = line.lane
  if (first && count === 1 && !store.linked) {
    line.runs = [{ run: first, payload: store.payloads.of(first.id), awaits: null, plain: false }]
    return
  }
  const rows = store.lists(`
    select coalesce(run.payload, payload.json), ${IS_PLAIN}, ${PLAIN} from run indexed by run_queued
    left join payload on payload.run = run.id
    where ${QUEUED} and due_at <= ?
    order by due_at, id limit ?`, ...queuedIn(line.lane), now, limit)
  line.runs = rows.map(([payload, plain, ...values]) => ({ ...plain ? { run: plainRun(values, line.lane), awaits: null } : readWhole(store, values[0] as number), payload: payload as string | null, plain: plain === 1 }))
}

function readWhole (store: Store, id: number): Pick<Next, 'run' | 'awaits'> {
  const row = store.one<RunRow>('select * from run where id = ?', id)!
  return { run: store.toRun(row), awaits: row.awaits }
}

// Of the tasks that have room: there may be a hundred thousand others.
const openLanes = (store: Store, left: Left, now: number): Lane[] =>
  left.tasks.flatMap(task => store.lanes.ofTask(task).filter(lane => left.of(lane) >= 1 && store.lanes.dueAt(lane, now) > 0))

/** True when a claim would find nothing, as far as memory tells. */
export const idle = (store: Store, { limit, room, now }: ClaimAsk): boolean => openLanes(store, new Left(limit, room), now).length === 0

/** One of many that are soon over, and found by nothing but its place in its lane. */
const isQuick = ({ run: { task, key }, plain }: Next, { room: { ahead } }: ClaimAsk): boolean =>
  plain && key === null && ahead?.[task] !== undefined

function start (store: Store, { runs }: Line, { ask, entered }: Taking): Claimed {
  const next = runs.shift()!
  const { run: queued, payload, awaits } = next
  const run = taken(queued, ask)
  if (isQuick(next, ask)) {
    store.defer(queued, run)
    entered.push({ queued, running: run })
  } else store.save(queued, run)
  // A run that was never taken has saved nothing.
  const claimed = { ...run, payload: parsed(payload), checkpoint: queued.turn === 0 ? null : store.part('checkpoint', run.id) }
  return awaits === null ? claimed : { ...claimed, results: resultsFor(store, run.id) }
}

/** What could start at `now`, by task, without a scan: each lane knows how many of its runs are due. */
export function due (store: Store, now: number): Due {
  const tasks = new Map<string, DueTask>()
  let next = Infinity
  for (const lane of store.lanes.waiting) {
    const count = store.lanes.dueAt(lane, now)
    next = Math.min(next, lane.later ?? Infinity)
    if (count === 0) continue
    const first = firstOf(store, lane)
    const known = tasks.get(lane.task)
    tasks.set(lane.task, {
      task: lane.task,
      count: count + (known?.count ?? 0),
      first: known && comesFirst(known.first, first) ? known.first : first
    })
  }
  return { tasks: [...tasks.values()], next_at: next === Infinity ? null : next }
}

const firstOf = (store: Store, lane: Lane): Run =>
  lane.first ??= toRun(store.one<RunRow>(`select * from run where ${QUEUED} order by due_at, id limit 1`, ...queuedIn(lane))!, lane)
