import { DAY, HOUR, milliseconds } from '../base/duration.ts'
import { segmentAt, zoneOf } from '../trigger/zone.ts'
import type { Config } from '../config/config.ts'

/** One hour of the week: how busy it was in past weeks, and the samples of the current one. */
export interface Bucket {
  /** Mean of past weeks, 0 to 1. */
  busy: number
  /** The weight of the mean in weeks; older weeks count less. */
  weeks: number
  /** The hour being learned (wall clock, counted from 1970), and the sum and number of its samples. */
  hour: number
  sum: number
  samples: number
}

/** How busy the machine is by hour of the week: 168 buckets from Monday 00:00, null without samples. Plain JSON. */
export interface Histogram {
  buckets: (Bucket | null)[]
}

const HOURS = 168

/** A histogram without samples. */
export const emptyHistogram = (): Histogram => ({ buckets: Array.from({ length: HOURS }, () => null) })

const isBucket = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.values(value).every(number => Number.isFinite(number)))

/** True for a valid histogram, such as one read from the store. */
export function isHistogram (value: unknown): value is Histogram {
  const { buckets } = (value ?? {}) as Partial<Histogram>
  return Array.isArray(buckets) && buckets.length === HOURS && buckets.every(isBucket)
}

const wallOf = (at: number, zone: string): number =>
  at + segmentAt(zoneOf(zone, '/timezone'), Math.floor(at / 1000)).offset * 1000

/** The hour by the wall clock, counted from 1970; it fits zones with offsets of half an hour. */
const hourOf = (at: number, zone: string): number => Math.floor(wallOf(at, zone) / HOUR)

const nextHour = (at: number, zone: string): number => at + HOUR - wallOf(at, zone) % HOUR

/** The hour of the week by the wall clock of a zone: 0 is Monday 00:00 to 01:00. */
export const hourOfWeek = (at: number, zone: string): number => (((hourOf(at, zone) + 72) % HOURS) + HOURS) % HOURS

function folded ({ busy, weeks, hour, sum, samples }: Bucket, now: number, halfLifeMs: number): Bucket {
  const kept = weeks * 2 ** (-((now - hour) * HOUR) / halfLifeMs)
  return { busy: (busy * kept + sum / samples) / (kept + 1), weeks: kept + 1, hour: now, sum: 0, samples: 0 }
}

type Rules = Pick<Config['activity'], 'half_life' | 'min_weeks'>

interface LearnAsk {
  histogram: Histogram
  at: number
  busy: number
  zone: string
  activity: Rules
}

/** The histogram with one more sample (`busy`: 0 to 1, without offpeak's own load). An hour counts once, however often
 *  it is sampled; its weight halves with every activity.half_life. */
export function learn ({ histogram, at, busy, zone, activity }: LearnAsk): Histogram {
  const place = hourOfWeek(at, zone)
  const hour = hourOf(at, zone)
  const known = histogram.buckets[place] ?? { busy: 0, weeks: 0, hour, sum: 0, samples: 0 }
  // After the clock was set back, samples add to the known hour.
  const bucket = known.hour >= hour || known.samples === 0
    ? known
    : folded(known, hour, milliseconds(activity.half_life))
  const next = {
    ...bucket,
    hour: Math.max(bucket.hour, hour),
    sum: bucket.sum + Math.min(1, Math.max(0, busy)),
    samples: bucket.samples + 1
  }
  return { buckets: histogram.buckets.with(place, next) }
}

/** How busy an hour is expected to be, from past weeks and its samples so far; null before activity.min_weeks. */
export function expected (
  { histogram, at, zone, activity }: Omit<LearnAsk, 'busy'>
): { busy: number, weeks: number } | null {
  const bucket = histogram.buckets[hourOfWeek(at, zone)]
  if (!bucket) return null
  const hour = hourOf(at, zone)
  const { busy, weeks } = bucket.samples > 0 && bucket.hour < hour
    ? folded(bucket, hour, milliseconds(activity.half_life))
    : bucket
  return weeks >= Math.max(activity.min_weeks, Number.MIN_VALUE) ? { busy, weeks } : null
}

interface QuietestAsk {
  histogram: Histogram
  /** The nominal and the latest start of the run, epoch ms. */
  from: number
  to: number
  durationMs: number
  zone: string
  activity: Rules
  /** Whether the run may start at an instant, for example within its window; absent: always. */
  allows?: (at: number) => boolean
}

/** When to start (epoch ms), the confidence (0 to 1) and the reason. */
interface Quiet {
  at: number
  confidence: number
  reason: string
}

interface Candidate {
  at: number
  busy: number
  weeks: number
}

/** How busy the run's time from `at` on is expected to be, hour by hour; null when one of the hours is unknown. */
function stretch (at: number, ask: QuietestAsk): Candidate | null {
  const length = Math.max(1, ask.durationMs)
  let busy = 0
  let weeks = Infinity
  for (let start = at; start < at + length;) {
    const end = Math.min(at + length, nextHour(start, ask.zone))
    const hour = expected({ ...ask, at: start })
    if (hour === null) return null
    busy += hour.busy * (end - start) / length
    weeks = Math.min(weeks, hour.weeks)
    start = end
  }
  return { at, busy, weeks }
}

// Hours repeat after a week.
const WEEK = 7 * DAY

/** The nominal start and each full hour after it at which the run may start. */
function starts ({ from, to, zone, allows = () => true }: QuietestAsk): number[] {
  const all = [from]
  const last = Math.min(to, from + WEEK)
  for (let at = nextHour(from, zone); at <= last; at = nextHour(at, zone)) if (allows(at)) all.push(at)
  return all
}

// A smaller gain may be chance and does not justify moving a run.
const WORTH = 0.05

const confidenceOf = (weeks: number): number => Math.round(weeks / (weeks + 1) * 100) / 100
const percent = (busy: number) => `${Math.round(busy * 100)} %`

/** The quietest start between `from` and `to` for a run of that length, the earliest among equals. It is the nominal
 *  time when one of the hours is known from too few weeks, or when no start is quieter by at least 5 %. Never
 *  throws. */
export function quietest (ask: QuietestAsk): Quiet {
  const stretches = starts(ask).map(at => stretch(at, ask))
  if (stretches.includes(null)) {
    return { at: ask.from, confidence: 0, reason: 'too little is known about these hours, the nominal time is kept' }
  }
  const all = stretches as Candidate[]
  const nominal = all[0]!
  const best = all.reduce((least, other) => other.busy < least.busy ? other : least)
  const confidence = confidenceOf(Math.min(...all.map(({ weeks }) => weeks)))
  if (nominal.busy - best.busy < WORTH) {
    return {
      at: ask.from,
      confidence,
      reason: `no hour is much quieter than the nominal one, which is ${percent(nominal.busy)} busy`
    }
  }
  return {
    at: best.at,
    confidence,
    reason: `the machine is ${percent(best.busy)} busy then, and ${percent(nominal.busy)} at the nominal time`
  }
}
