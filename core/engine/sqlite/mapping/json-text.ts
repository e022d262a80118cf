import type { Json } from '../../../model/json/json.ts'

/** The value of a JSON text. Null for an absent text, and for one that another program wrote and that is not JSON. */
export function parsed<T = Json> (text: string | null | undefined): T | null {
  if (text === null || text === undefined) return null
  try {
    return JSON.parse(text) as T
  } catch {
    return null
  }
}

/** The JSON text of a value; null for null and undefined. */
export const text = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value)
