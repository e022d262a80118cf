import Type from 'typebox'
import type { Static, TSchema } from 'typebox'

type Fields = Record<string, TSchema>

/** An object with exactly these fields. */
export const exactly = <F extends Fields>(fields: F, options: object = {}) =>
  Type.Object(fields, { additionalProperties: false, ...options })

/** The schema, or null. */
export const nullable = <S extends TSchema>(schema: S) => {
  const { type, ...rest } = schema as S & { type: string, enum?: unknown[] }
  return Type.Unsafe<Static<S> | null>({
    ...rest,
    type: [type, 'null'],
    ...rest.enum && { enum: [...rest.enum, null] }
  })
}

/** One of some words. */
export const word = <const W extends readonly string[]>(words: W, description?: string) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], ...description && { description } })

export const Instant = Type.String({ description: 'ISO 8601 in UTC with Z' })
/** Any JSON. */
export const Anything = Type.Unsafe<unknown>({})
export const InstantIn = Type.String({
  title: 'instant',
  minLength: 10,
  maxLength: 40,
  description: 'ISO 8601 with a zone, such as 2026-11-22T03:00:00Z'
})
export const KeyHeader = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'A repeated request with this key returns the runs that the first one added; a different request is refused'
    })
  )
})
export const Limit = (standard: number, most: number) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: most, default: standard }))
export const IdIn = exactly({ id: Type.String({ minLength: 1, maxLength: 100 }) })

export const Held = nullable(
  exactly({ code: Type.String(), message: Type.String() }, { title: 'Held', description: 'Why a due run is held' })
)
/** The names of the members that a response withholds from a request without a token. */
export const Withheld = {
  withheld: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Members that are null because the request had no token. The token is in the file `token` of the data folder'
    })
  )
}

export const Recorded = exactly({
  seq: Type.Integer(),
  at: Instant,
  by: Type.String(),
  action: Type.String(),
  subject: Type.String(),
  detail: Anything
}, { title: 'Record' })

export const Problem = exactly({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  instance: Type.String(),
  code: Type.String(),
  request_id: Type.Optional(Type.String()),
  fix: Type.Optional(Type.String()),
  file: Type.Optional(Type.String()),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
  pointer: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(exactly({ pointer: Type.String(), detail: Type.String() })))
}, { title: 'Problem', description: 'RFC 9457' })

const refused = { description: 'A problem, RFC 9457', content: { 'application/problem+json': { schema: Problem } } }

/** The responses of a route: its own, and a problem for every error. */
export const answers = <A extends Record<number, TSchema>>(own: A) => ({ ...own, '4xx': refused, '5xx': refused })

/** A page of items; `next` is the cursor of the next page. */
export const page = <S extends TSchema, N extends TSchema>(items: S, next: N) =>
  exactly({ items: Type.Array(items), next })
