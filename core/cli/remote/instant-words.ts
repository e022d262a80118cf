import { milliseconds } from '../../model/base/duration.ts'

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']
const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/
const WEEK = 7

/** `side`: whether `05:00` and `monday` are the last or the next ones. `zone`: the time zone of the words. */
export interface InstantAsk {
  side: 'past' | 'future'
  now: number
  zone: string
}

function spanOf (text: string): number | null {
  try {
    return milliseconds(/^[\d.]+$/.test(text) ? Number(text) : text)
  } catch {
    return null
  }
}

/** `2h ago`, `in 15m`. */
function relative (text: string, now: number): number | null {
  const [, past, future] = /^(?:(.+) ago|in (.+))$/.exec(text) ?? []
  const span = past === undefined && future === undefined ? null : spanOf((past ?? future)!)
  return span === null ? null : past === undefined ? now + span : now - span
}

/** How many days from today a word for a day is; null: it is none. */
function dayOffset (word: string, today: Temporal.PlainDate, side: InstantAsk['side']): number | null {
  const near = { yesterday: -1, today: 0, tomorrow: 1 }[word]
  if (near !== undefined) return near
  const day = DAYS.findIndex(name => name === word || (word.length === 3 && name.startsWith(word)))
  if (day === -1) return null
  const ahead = (day + 1 - today.dayOfWeek + WEEK) % WEEK
  return side === 'future' ? ahead : ahead - (ahead === 0 ? 0 : WEEK)
}

/** Epoch ms of `now`, `2h ago`, `in 15m`, `05:00`, `yesterday`, `tomorrow 03:00`, `monday 9:00`; null for other texts.
 *  A day without a time begins at 00:00. A time that a clock change skips is the first one after it. */
export function instantInWords (text: string, { side, now, zone }: InstantAsk): number | null {
  const words = text.trim().toLowerCase().split(/\s+/)
  if (words.length === 1 && words[0] === 'now') return now
  const span = relative(words.join(' '), now)
  if (span !== null) return span
  const clock = CLOCK.exec(words.at(-1)!)
  const named = clock === null ? words : words.slice(0, -1)
  if (named.length > 1) return null
  const here = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone)
  const [hour, minute, second] = (clock?.slice(1) ?? []).map(digits => Number(digits ?? 0))
  const time = { hour: hour ?? 0, minute: minute ?? 0, second: second ?? 0 }
  const at = (days: number) =>
    here.toPlainDate().add({ days }).toZonedDateTime({ timeZone: zone, plainTime: time }).epochMilliseconds
  const [word] = named
  const offset = word === undefined ? 0 : dayOffset(word, here.toPlainDate(), side)
  if (offset === null) return null
  const found = at(offset)
  const step = word === undefined ? 1 : DAYS.some(name => name.startsWith(word)) ? WEEK : 0
  if (side === 'past') return found > now ? at(offset - step) : found
  return found < now ? at(offset + step) : found
}
