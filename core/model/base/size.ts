const UNITS: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40
}

/** Bytes of a number or of a text such as '5 GB' and '512MiB'; null when it is not valid. */
export function bytesOf (value: number | string): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : null
  const [, count, unit = 'b'] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b)?\s*$/i.exec(value) ?? []
  const size = UNITS[unit.toLowerCase()]
  return count === undefined || size === undefined ? null : Number(count) * size
}

const STEPS = ['B', 'KB', 'MB', 'GB', 'TB']

/** Bytes in words for people: `5 GB`, `1.4 MB`. */
export function sizeWords (bytes: number): string {
  const step = Math.min(STEPS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${Math.round(bytes / 1000 ** step * 10) / 10} ${STEPS[step]}`
}
