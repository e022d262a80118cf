import { Type } from 'typebox'
import type { Static, TObject, TProperties, TSchema } from 'typebox'
import type { Duration } from './duration.ts'

/** A duration in seconds as a number, or in words. */
export const DurationSchema = Type.Unsafe<Duration>({
  title: 'duration',
  anyOf: [{ type: 'number', minimum: 0 }, { type: 'string', minLength: 1 }],
  description: 'Seconds as a number, or words such as "15m", "1h 30m", "PT15M"'
})

/** A duration above 0; `why` completes the message when it is 0. */
export const lasting = (why: string) => ({ ...DurationSchema, aboveZero: why })

/** A section of settings; unknown keys are faults. */
export const section = <F extends TProperties>(fields: F, description: string) =>
  Type.Object(fields, { additionalProperties: false, description })

/** A group of settings inside a section; absent settings get their defaults. */
export const group = <F extends TProperties>(fields: F, description: string) =>
  Type.Object(fields, { additionalProperties: false, default: {}, description })

/** A number from 0 to 1. */
export const share = (standard: number, description: string) =>
  Type.Number({ default: standard, minimum: 0, maximum: 1, description })

/** The smallest limit: at 0 no run would ever start. */
const LEAST_SHARE = 0.001

/** A limit from LEAST_SHARE to 1; `why` completes the message when it is lower. */
export const limit = (
  standard: number,
  description: string,
  why = 'at 0 no run would ever start; 1 switches the limit off'
) => Type.Number({ default: standard, minimum: LEAST_SHARE, maximum: 1, description, why })

/** A number from 0 to 100. */
export const percent = (standard: number, description: string) =>
  Type.Number({ default: standard, minimum: 0, maximum: 100, description })

type Plain = Record<string, unknown>

/** The type with every field optional, at any depth; lists stay as they are. */
export type Loose<T> = {
  [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : T[K] extends object ? Loose<T[K]> : T[K]
}

function loosened (schema: TSchema): TSchema {
  const { properties, ...rest } = schema as Plain & { properties?: Record<string, TSchema> }
  if (properties === undefined) return schema
  const { required: _, default: __, ...open } = rest as Plain
  return {
    ...open,
    properties: Object.fromEntries(Object.entries(properties).map(([key, inner]) => [key, loosened(inner)]))
  } as TSchema
}

/** The schema with every field optional, at any depth. */
export const loose = <S extends TObject>(schema: S) => Type.Unsafe<Loose<Static<S>>>(loosened(schema))
