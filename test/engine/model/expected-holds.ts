import { MINUTE } from '../../../core/model/base/duration.ts'
import type { Cohort } from '../../../core/model/run/cohort.ts'
import type { Hold } from '../../../core/model/run/run.ts'

/** A verdict on a cohort, or the end of owners (null: of all). */
export type Event =
  | { kind: 'judged', owner: string, at: number, code: string | null, message: string,
    cohort: Cohort & { from: number, until: number } }
  | { kind: 'over', owners: readonly string[] | null }

interface ExpectedVerdict {
  owner: string
  at: number
  code: string | null
  message: string
}

/** The entries after a verdict of an owner. Open entries of the same code continue, others are closed, and a new code
 *  opens an entry. */
export function judged (entries: readonly Hold[], { owner, at, code, message }: ExpectedVerdict): Hold[] {
  let isOpen = false
  const after = entries.map(entry => {
    if (entry.to !== null || (entry.owner !== owner && entry.owner !== '')) return entry
    const same = entry.code === code && (entry.message === message || at - entry.from < MINUTE)
    isOpen ||= same
    return same ? { ...entry, owner } : { ...entry, to: Math.max(entry.from, at) }
  })
  return code === null || isOpen ? after : [...after, { code, message, from: at, to: null, owner }]
}

/** The entries after these owners are gone. */
export const orphaned = (entries: readonly Hold[], owners: readonly string[] | null): Hold[] =>
  entries.map(entry =>
    entry.to === null && (owners === null || owners.includes(entry.owner)) ? { ...entry, owner: '' } : entry
  )

const isSame = (a: Cohort, b: Cohort) =>
  a.task === b.task && a.queue === b.queue && a.priority === b.priority && a.span === b.span &&
  a.scheduled === b.scheduled

/** The entries of a run of a cohort with this due time, from a replay of all events. */
export function replayed (events: readonly Event[], cohort: Cohort, due: number): Hold[] {
  let entries: Hold[] = []
  for (const event of events) {
    if (event.kind === 'over') entries = orphaned(entries, event.owners)
    else {
      const { from, until } = event.cohort
      const applies = isSame(event.cohort, cohort) && from <= due && (due <= until || until >= event.at)
      if (applies) entries = judged(entries, event)
    }
  }
  return entries
}

/** The entries clipped to a wait. */
export const within = (entries: readonly Hold[], from: number, to: number | null): Hold[] =>
  entries
    .filter(entry => (entry.to === null || entry.to > from) && (to === null || entry.from <= to))
    .map(entry => {
      const began = Math.max(from, entry.from)
      return { ...entry, from: began, to: to === null ? entry.to : Math.max(began, Math.min(to, entry.to ?? to)) }
    })

/** The entries as they are shown: an entry that begins when an equal one ends is joined with it. */
export function shown (entries: readonly Hold[]): Hold[] {
  const alike = Map.groupBy(entries, ({ code, message, owner }) => JSON.stringify([code, message, owner]))
  const ends = (entry: Hold) => entry.to ?? Infinity
  return [...alike.values()].flatMap(same =>
    same.toSorted((a, b) => a.from - b.from || ends(a) - ends(b)).reduce<Hold[]>((all, entry) => {
      const place = all.findIndex(one => one.to === entry.from)
      return place < 0 ? [...all, entry] : all.with(place, { ...all[place]!, to: entry.to })
    }, [])
  )
}

/** The total time of some entries; overlapping time counts once. */
function covered (entries: readonly Hold[]): number {
  const marks = [...new Set(entries.flatMap(({ from, to }) => [from, to!]))].toSorted((a, b) => a - b)
  return marks.slice(1).reduce(
    (sum, mark, place) =>
      sum + (entries.some(({ from, to }) => from <= marks[place]! && to! >= mark) ? mark - marks[place]! : 0),
    0
  )
}

/** The time held of closed entries, by code. */
export const byCode = (entries: readonly Hold[]): Map<string, number> =>
  new Map([...Map.groupBy(entries, ({ code }) => code)].map(([code, same]) => [code, covered(same)]))
