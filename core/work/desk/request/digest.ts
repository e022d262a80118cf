import { createHash } from 'node:crypto'

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, inner]) => [name, sorted(inner)])
  )
}

/** 32 hexadecimal digits that are the same for values that are equal as JSON, in whatever order their keys are. */
export const digest = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(sorted(value)) ?? '').digest('hex').slice(0, 32)
