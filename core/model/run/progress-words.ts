import { cut } from '../json/text.ts'
import { wordsOf } from './failure.ts'

const MOST_MESSAGE = 500
const MOST_NAME = 200

const textOf = (value: unknown, limit: number): string => cut(typeof value === 'string' ? value : wordsOf(value), limit)

/** A progress message as text of at most 500 characters, or undefined. */
export const messageOf = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : textOf(value, MOST_MESSAGE)

/** The name of a stage or unit as text of at most 200 characters, or undefined. */
export const nameOf = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : textOf(value, MOST_NAME)

/** A finite number, or undefined. */
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
