import { MINUTE } from '../../../core/model/base/duration.ts'
import type { Cohort } from '../../../core/model/run/cohort.ts'
import type { Hold } from '../../../core/model/run/run.ts'

/** What was said of a cohort, or of owners that are no more (null: of all). */
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

/** The entries after a verdict of an owner: what it says no more is closed, what it goes on saying goes on, and what it
 *  says again is opened. */
export function judged (entries: readonly Hold[], { owner, at, code, message }: ExpectedVerdict): Hold[] {
  let goesOn = false
  const after = entries.map(entry => {
    if (entry.to !== null || (entry.owner !== owner && entry.owner !== '')) return entry
    const same = entry.code === code && (entry.message === message || at - entry.from < MINUTE)
    goesOn ||= same
    return same ? { ...entry, owner } : { ...entry, to: Math.max(entry.from, at) }
  })
  return code === null || goesOn ? after : [...after, { code, message, from: at, to: null, owner }]
}

/** The entries when these owners are no more. */
export const orphaned = (entries: readonly Hold[], owners: readonly string[] | null): Hold[] =>
  entries.map(entry =>
    entry.to === null && (owners === null || owners.includes(entry.owner)) ? { ...entry, owner: '' } : entry
  )

const isSame = (a: Cohort, b: Cohort) =>
  a.task === b.task && a.queue === b.queue && a.priority === b.priority && a.span === b.span &&
  a.scheduled === b.scheduled

/** What was said of a run of a cohort that is due then, from its due time on: each event is looked at, the whole story
 *  from the beginning. */
export function replayed (events: readonly Event[], cohort: Cohort, due: number): Hold[] {
  let entries: Hold[] = []
  for (const event of events) {
    if (event.kind === 'over') entries = orphaned(entries, event.owners)
    else {
      const { from, until } = event.cohort
      const isMeant = isSame(event.cohort, cohort) && from <= due && (due <= until || until >= event.at)
      if (isMeant) entries = judged(entries, event)
    }
  }
  return entries
}

/** What of the entries lies in a wait. */
export const within = (entries: readonly Hold[], from: number, to: number | null): Hold[] =>
  entries
    .filter(entry => (entry.to === null || entry.to > from) && (to === null || entry.from <= to))
    .map(entry => {
      const began = Math.max(from, entry.from)
      return { ...entry, from: began, to: to === null ? entry.to : Math.max(began, Math.min(to, entry.to ?? to)) }
    })

/** The entries as they are shown: one that begins when an equal one ends is that one. */
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

/** How long some entries last, each instant once. */
function covered (entries: readonly Hold[]): number {
  const marks = [...new Set(entries.flatMap(({ from, to }) => [from, to!]))].toSorted((a, b) => a - b)
  return marks.slice(1).reduce(
    (sum, mark, place) =>
      sum + (entries.some(({ from, to }) => from <= marks[place]! && to! >= mark) ? mark - marks[place]! : 0),
    0
  )
}

/** Of closed entries how long each code held. */
export const byCode = (entries: readonly Hold[]): Map<string, number> =>
  new Map([...Map.groupBy(entries, ({ code }) => code)].map(([code, same]) => [code, covered(same)]))
