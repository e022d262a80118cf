/** A unit file: each section with the values of each key, in order. */
export type Unit = Record<string, Record<string, string[]>>

/** Reads a unit file of systemd: continued lines are joined, an empty value clears the ones before it. */
export function parseUnit (text: string): Unit {
  const unit: Unit = {}
  let section = ''
  const joined = text.replaceAll(/\r\n/g, '\n').replaceAll(/^\s*[#;].*\n/gm, '').replaceAll(/\s*\\\n\s*/g, ' ')
  for (const line of joined.split('\n')) {
    const name = /^\s*\[([^\]]+)\]\s*$/.exec(line)?.[1]
    if (name !== undefined) section = name
    const [, key, value] = /^\s*([A-Za-z][\w-]*)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (key === undefined) continue
    const keys = unit[section] ??= {}
    keys[key] = value === '' ? [] : [...keys[key] ?? [], value!]
  }
  return unit
}

/** The last value of a key. */
export const lastOf = (unit: Unit, section: string, key: string): string | undefined => unit[section]?.[key]?.at(-1)

const UNITS: Record<string, number> = {
  us: 1e-6,
  usec: 1e-6,
  ms: 1e-3,
  msec: 1e-3,
  s: 1,
  sec: 1,
  second: 1,
  seconds: 1,
  m: 60,
  min: 60,
  minute: 60,
  minutes: 60,
  h: 3600,
  hr: 3600,
  hour: 3600,
  hours: 3600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
  w: 604_800,
  week: 604_800,
  weeks: 604_800,
  M: 2_629_800,
  month: 2_629_800,
  months: 2_629_800,
  y: 31_557_600,
  year: 31_557_600,
  years: 31_557_600
}

/** The seconds of a time span of systemd, such as `1h 30min` or `90`; null if it is not one. */
export function spanSeconds (text: string): number | null {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*/g)]
  if (parts.map(([part]) => part).join('') !== text.trim() || parts.length === 0) return null
  const seconds = parts.map(([, count, unit]) => Number(count) * (unit === '' ? 1 : UNITS[unit!] ?? Number.NaN))
    .reduce((sum, one) => sum + one, 0)
  return Number.isNaN(seconds) ? null : seconds
}
