import { cut } from '../json/text.ts'
import { wordsOf } from './failure.ts'

const MOST_MESSAGE = 500
const MOST_NAME = 200

const textOf = (value: unknown, limit: number): string => cut(typeof value === 'string' ? value : wordsOf(value), limit)

/** What a task says of its progress, whatever it has given: bounded text, or nothing. */
export const messageOf = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : textOf(value, MOST_MESSAGE)

/** The name of a stage or a unit. */
export const nameOf = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : textOf(value, MOST_NAME)

/** A number that can be counted with, or nothing. */
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
