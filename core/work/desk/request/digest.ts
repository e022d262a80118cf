import { createHash } from 'node:crypto'

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, inner]) => [name, sorted(inner)])
  )
}

/** 32 hexadecimal digits; equal for equal JSON values, in any order of their keys. */
export const digest = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(sorted(value)) ?? '').digest('hex').slice(0, 32)
