/** The arguments of a cron trigger, all of which must match, and the zone if one is named. */
interface CalendarArgs {
  args: Record<string, string>
  timezone: string | null
}

const SHORT: Record<string, string> = {
  minutely: '*-*-* *:*:00',
  hourly: '*-*-* *:00:00',
  daily: '*-*-* 00:00:00',
  monthly: '*-*-01 00:00:00',
  weekly: 'Mon *-*-* 00:00:00',
  yearly: '*-01-01 00:00:00',
  annually: '*-01-01 00:00:00',
  quarterly: '*-01,04,07,10-01 00:00:00',
  semiannually: '*-01,07-01 00:00:00'
}
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const LAST: Record<string, number> = { year: 2199, month: 12, day: 31, hour: 23, minute: 59, second: 59 }
const REPEATED = /^(\d+)(?:\/(\d+))$/

/** One part of a list: `5`, `1..5`, `0/15`, `1..9/2`, `*`. Null if it is none. */
function part (text: string, name: string): string | null {
  if (/^\*(\/\d+)?$/.test(text)) return text
  const [, from, step] = REPEATED.exec(text) ?? []
  if (from !== undefined) return `${Number(from)}-${LAST[name]}/${Number(step)}`
  const [, first, last, every] = /^(\d+)\.\.(\d+)(?:\/(\d+))?$/.exec(text) ?? []
  if (first !== undefined) return `${Number(first)}-${Number(last)}${every === undefined ? '' : `/${Number(every)}`}`
  return /^\d+$/.test(text) ? String(Number(text)) : null
}

function list (text: string, name: string): string | null {
  const parts = text.split(',').map(one => part(one, name))
  return parts.includes(null) ? null : parts.join(',')
}

const dayOf = (text: string): number => DAYS.indexOf(text.slice(0, 3).toLowerCase())

/** Weekdays as a list of names. */
function weekdays (text: string): string | null {
  const found: number[] = []
  for (const one of text.split(',').filter(Boolean)) {
    const [first, last = first] = one.split(/\.\.|-/).map(dayOf) as [number, number?]
    if (first < 0 || last < first) return null
    for (let day = first; day <= last; day++) found.push(day)
  }
  return found.map(day => DAYS[day]).join(',')
}

/** Date and time of an expression, and the zone behind them. */
function split (words: string[]): { date: string, time: string, rest: string[] } | null {
  const [first = '', second = ''] = words
  if (first.includes(':')) return { date: '*-*-*', time: first, rest: words.slice(1) }
  if (!/[-~]/.test(first)) return first === '' ? { date: '*-*-*', time: '00:00:00', rest: [] } : null
  if (second.includes(':')) return { date: first, time: second, rest: words.slice(2) }
  return { date: first, time: '00:00:00', rest: words.slice(1) }
}

function dateArgs (date: string): Record<string, string | null> {
  const [, days, fromEnd] = /^(?:.*)(-|~)([^-~]+)$/.exec(date)?.slice(0, 3) ?? []
  const parts = date.split(/[-~]/)
  const [day, month, year = '*'] = parts.toReversed()
  // `~01` is the last day of the month; other days from the end have no counterpart.
  const isLast = days === '~'
  return {
    year: list(year, 'year'),
    month: list(month ?? '', 'month'),
    day: isLast ? (Number(fromEnd) === 1 ? 'last' : null) : list(day ?? '', 'day')
  }
}

function timeArgs (time: string): Record<string, string | null> {
  const [hour = '', minute = '', second = '0', ...more] = time.split(':')
  return {
    hour: list(hour, 'hour'),
    minute: list(minute, 'minute'),
    second: more.length > 0 ? null : list(second, 'second')
  }
}

/** The cron arguments of an `OnCalendar=` expression of systemd; null if they cannot say the same. */
export function onCalendar (text: string): CalendarArgs | null {
  const words = text.trim().split(/\s+/)
  const [head = '', ...tail] = words
  const short = SHORT[head.toLowerCase()]
  if (short !== undefined) {
    const found = onCalendar(short)
    return found && tail.length <= 1 ? { ...found, timezone: tail[0] ?? null } : null
  }
  const isDays = /^[A-Za-z]/.test(head) && !head.includes('/')
  const days = isDays ? weekdays(head) : '*'
  const parts = split(isDays ? tail : words)
  if (days === null || parts === null || parts.rest.length > 1) return null
  const args: Record<string, string | null> = { ...dateArgs(parts.date), day_of_week: days, ...timeArgs(parts.time) }
  if (Object.values(args).includes(null)) return null
  return { args: args as Record<string, string>, timezone: parts.rest[0] ?? null }
}
