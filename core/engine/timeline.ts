import { DAY, MINUTE } from '../model/base/duration.ts'
import type { Hold } from '../model/run/run.ts'

/** The maximum number of entries in a timeline. */
export const MAX_HOLDS = 200

/** A wrong clock must not write a sum for each day since 1970. */
const MAX_SPAN_MS = 366 * DAY

/** Why the runs that are due in [due_from, due_until] are held, since `began`. */
export interface HoldSpan {
  owner: string
  due_from: number
  due_until: number
  code: string
  message: string
  began: number
}

/** A verdict on the runs that are due in [due_from, due_until]; `code` null: nothing holds them. */
export type SpanVerdict = Omit<HoldSpan, 'code' | 'began'> & { at: number, code: string | null }

/** How a verdict changes the open spans: `kept` are unchanged, `adopted` now belong to its owner, `closed` end at its
 *  instant, `opened` are new. */
interface SpanChanges<T extends HoldSpan> {
  kept: T[]
  adopted: T[]
  closed: T[]
  opened: HoldSpan[]
}

/** True when the open entry continues: another message starts a new entry only once the open one is a minute old. */
export const continues = (
  open: Pick<HoldSpan, 'code' | 'message' | 'began'>,
  { code, message, at }: Pick<SpanVerdict, 'code' | 'message' | 'at'>
): boolean => open.code === code && (open.message === message || at - open.began < MINUTE)

/** Applies a verdict to the open spans of its owner and to those without an owner. Spans that the verdict confirms
 *  continue under its owner; the other spans in its range are closed. A span that is only partly in its range is split:
 *  `adopted` or `closed` has the part inside, and the parts outside are opened again from the same instant. */
export function applyVerdict<T extends HoldSpan> (open: readonly T[], verdict: SpanVerdict): SpanChanges<T> {
  const result: SpanChanges<T> = { kept: [], adopted: [], closed: [], opened: [] }
  for (const span of open) {
    const { due_from: from, due_until: until, owner } = span
    const overlaps = from <= verdict.due_until && until >= verdict.due_from
    const isSame = continues(span, verdict)
    if (!overlaps || (isSame && owner === verdict.owner)) {
      result.kept.push(span)
      continue
    }
    const part = { ...span, due_from: Math.max(from, verdict.due_from), due_until: Math.min(until, verdict.due_until) }
    if (isSame) result.adopted.push({ ...part, owner: verdict.owner })
    else result.closed.push(part)
    if (from < verdict.due_from) result.opened.push(plain({ ...span, due_until: verdict.due_from - 1 }))
    if (until > verdict.due_until) result.opened.push(plain({ ...span, due_from: verdict.due_until + 1 }))
  }
  const { code } = verdict
  if (code === null) return result
  const covered = [...result.kept.filter(span => continues(span, verdict)), ...result.adopted]
  for (const gap of gapsIn(verdict, covered)) result.opened.push(plain({ ...verdict, ...gap, code, began: verdict.at }))
  return result
}

const plain = ({ owner, due_from, due_until, code, message, began }: HoldSpan): HoldSpan => ({
  owner,
  due_from,
  due_until,
  code,
  message,
  began
})

type Range = Pick<HoldSpan, 'due_from' | 'due_until'>

/** The parts of a range that the other ranges do not cover. */
function gapsIn ({ due_from, due_until }: Range, others: readonly Range[]): Range[] {
  const gaps: Range[] = []
  let from = due_from
  for (const other of others.toSorted((a, b) => a.due_from - b.due_from)) {
    const before = Math.min(other.due_from - 1, due_until)
    if (before >= from) gaps.push({ due_from: from, due_until: before })
    from = Math.max(from, other.due_until + 1)
  }
  if (from <= due_until) gaps.push({ due_from: from, due_until })
  return gaps
}

/** The entries clipped to [from, to]; `to` null: no end. */
export function clipped (holds: readonly Hold[], from: number, to: number | null): Hold[] {
  return holds.flatMap(hold => {
    const began = Math.max(hold.from, from)
    const ended = to === null ? hold.to : Math.max(began, Math.min(hold.to ?? to, to))
    const isOutside = (hold.to !== null && hold.to <= from) || (to !== null && hold.from > to)
    return isOutside ? [] : [{ ...hold, from: began, to: ended }]
  })
}

/** A timeline of at most MAX_HOLDS entries: the oldest entries of one code are joined to one of the same total length.
 *  The first and the newest entry are unchanged. */
export function compacted (holds: readonly Hold[]): Hold[] {
  const left = [...holds]
  while (left.length > MAX_HOLDS) {
    const [kept, gone] = oldestPair(left)
    left[kept] = joined(left[kept]!, left[gone]!)
    left.splice(gone, 1)
  }
  return left
}

/** The entries, oldest first; an entry that ends at the instant at which an equal one begins is joined with it. */
export function joinAdjacent (holds: readonly Hold[]): Hold[] {
  const all: Hold[] = []
  for (const hold of holds.toSorted((a, b) => a.from - b.from || (a.to ?? Infinity) - (b.to ?? Infinity))) {
    const before = all.find(one => one.to === hold.from && isSame(one, hold))
    if (before === undefined) all.push({ ...hold })
    else before.to = hold.to
  }
  return all
}

const isSame = (a: Hold, b: Hold): boolean => a.code === b.code && a.message === b.message && a.owner === b.owner

const joined = (a: Hold, b: Hold): Hold => ({ ...a, to: a.to! + b.to! - b.from })

/** The indexes of the oldest two entries of one code, or of the oldest two of all; the first and the last entry are
 *  never chosen. */
export function oldestPair (holds: readonly Pick<Hold, 'code'>[]): [number, number] {
  const seen = new Map<string, number>()
  for (let place = 1; place < holds.length - 1; place++) {
    const { code } = holds[place]!
    const known = seen.get(code)
    if (known !== undefined) return [known, place]
    seen.set(code, place)
  }
  return [1, 2]
}

/** How long a run was held in total, ms. With one owner the times of each code are added; with several owners the same
 *  time counts once. */
export function heldMs (holds: readonly Hold[]): number {
  if (holds.some(({ owner }) => owner !== holds[0]!.owner)) return unionOf(holds)
  return [...Map.groupBy(holds, ({ code }) => code).values()].reduce((sum, same) => sum + unionOf(same), 0)
}

/** How long closed entries last together, ms; overlapping time counts once. */
function unionOf (holds: readonly Pick<Hold, 'from' | 'to'>[]): number {
  let [sum, reached] = [0, -Infinity]
  for (const { from, to } of holds.toSorted((a, b) => a.from - b.from)) {
    sum += Math.max(0, to! - Math.max(from, reached))
    reached = Math.max(reached, to!)
  }
  return sum
}

/** Time held for one code on one UTC day, counted since 1970; `runs`: 1 on the day on which the hold began. */
export interface DaySum {
  day: number
  code: string
  ms: number
  runs: number
}

const dayOf = (at: number): number => Math.floor(at / DAY)

/** The sums of closed entries of one wait, by code and day. */
export function daySums (holds: readonly Hold[]): DaySum[] {
  return [...Map.groupBy(holds, ({ code }) => code)].flatMap(([code, same]) => {
    const first = Math.min(...same.map(({ from }) => from))
    const last = Math.max(...same.map(({ to }) => to!))
    const begin = Math.max(first, last - MAX_SPAN_MS)
    const sums: DaySum[] = []
    for (let day = dayOf(begin); day <= dayOf(last); day++) {
      const within = same.filter(({ from, to }) => from < (day + 1) * DAY && to! > day * DAY)
      const ms = within.length === 0
        ? 0
        : unionOf(
          within.map(
            hold => ({ ...hold, from: Math.max(hold.from, day * DAY), to: Math.min(hold.to!, (day + 1) * DAY) })
          )
        )
      const runs = day === dayOf(begin) ? 1 : 0
      if (ms > 0 || runs > 0) sums.push({ day, code, ms, runs })
    }
    return sums
  })
}
