import { createHash } from 'node:crypto'

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, inner]) => [name, sorted(inner)])
  )
}

/** A hash of a JSON value, 32 hexadecimal digits. The order of object keys does not matter. */
export const digest = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(sorted(value)) ?? '').digest('hex').slice(0, 32)
