import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { inputInvalid, preconditionFailed } from '../../core/index.ts'
import { withhold } from './withhold.ts'

const LIST =
  /^[ \t]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"[ \t]*(?:,[ \t]*(?:(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"[ \t]*)?)*$/
const TAG = /(?:W\/)?"[^"]*"/g
const known = new WeakMap<Buffer, string>()

export const MatchHeader = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      maxLength: 4000,
      description: 'ETags, separated by commas, or `*`: the change is made only if one of them is the current ETag'
    })
  )
})

const hashOf = (body: string | Buffer) => `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`

/** The strong ETag of a response: the same bytes have the same one. */
export function tagOf (body: string | Buffer): string {
  if (typeof body === 'string') return hashOf(body)
  const tag = known.get(body) ?? hashOf(body)
  known.set(body, tag)
  return tag
}

/** The ETags of a header, `*` for any, or null if it has another form. */
function tagsIn (header: string): '*' | string[] | null {
  if (header.trim() === '*') return '*'
  return LIST.test(header) ? header.match(TAG)! : null
}

/** True when If-None-Match names the ETag. Weak ETags count, as RFC 9110 says; a malformed header names none. */
export function namesTag (header: string | undefined, tag: string): boolean {
  const tags = header === undefined ? null : tagsIn(header)
  return tags === '*' || (tags?.some(one => one.replace(/^W\//, '') === tag) ?? false)
}

/** A change that If-Match may refuse. */
export interface Guarded {
  header: string | undefined
  reply: FastifyReply
  schema: object
  /** What it is, such as `task 'backup'`. */
  what: string
  /** What GET answers for it. */
  view: () => Promise<object>
  /** The members that GET withholds without a token. */
  members?: readonly string[]
}

/** The ETags that GET may send for a view: with a token and without. Only strong ETags match. */
function currentTags ({ reply, schema, members = [] }: Guarded, view: object): string[] {
  const write = reply.compileSerializationSchema(schema as Record<string, unknown>)
  return [view, withhold(view, members) as Record<string, unknown>].map(one =>
    tagOf(write(one as Record<string, unknown>))
  )
}

async function check (asked: Guarded, header: string): Promise<void> {
  const tags = tagsIn(header)
  if (tags === null) {
    throw inputInvalid({
      what: 'The headers do not fit',
      errors: [{
        pointer: '/headers/if-match',
        detail: `found '${header}', expected * or ETags in double quotes, separated by commas`
      }]
    })
  }
  const view = await asked.view()
  if (tags === '*') return
  const current = currentTags(asked, view)
  if (!tags.some(tag => current.includes(tag))) throw preconditionFailed(asked.what)
}

/** A function that makes changes whose If-Match holds. Conditional changes wait for each other, so that of two with the
 *  same ETag one is refused. */
export function conditional (): <A>(asked: Guarded, change: () => Promise<A>) => Promise<A> {
  let last: Promise<unknown> = Promise.resolve()
  return async (asked, change) => {
    const { header } = asked
    if (header === undefined) return await change()
    const turn = last.then(async () => {
      await check(asked, header)
      return await change()
    })
    last = turn.catch(() => null)
    return await turn
  }
}
