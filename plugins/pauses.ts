import Type from 'typebox'
import type { Static } from 'typebox'
import { CONTROL, READ } from './_http/scope.ts'
import type { ManagerFace } from '../core/index.ts'
import { iso, milliseconds, pauseNotFound, pauseView } from '../core/index.ts'
import { instantIn, misfit } from './_http/answers.ts'
import { Pause } from './_schema/holding.ts'
import { PauseIn, Which } from './_schema/pauses.ts'
import { answers } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const LONGEST = 3660 * 86_400_000
/** Scope and name; throws OFFPEAK_INPUT_INVALID when a name is missing, or given for `all`. */
function scopeIn ({ scope, name: given }: Static<typeof Which>, pointer: string) {
  const name = given ?? null
  if (scope === 'all' && name !== null) throw misfit(pointer, `found '${name}', expected no name with scope 'all'`)
  if (scope !== 'all' && name === null) throw misfit(pointer, `'name' is missing: expected the name of a ${scope}`)
  return { scope, name }
}

function untilIn ({ until, for: span }: Static<typeof PauseIn>, now: number): number | null {
  if (until !== undefined && span !== undefined) throw misfit('/for', "cannot be combined with 'until'")
  const end = span === undefined ? instantIn('/until', until) : now + milliseconds(span)
  if (end === undefined) return null
  const pointer = span === undefined ? '/until' : '/for'
  if (end <= now) throw misfit(pointer, `expected an end after ${iso(now)}`)
  if (end > now + LONGEST) throw misfit(pointer, 'is more than ten years: leave it out to pause until resumed')
  return end
}

/** Throws for a queue, task or tag that does not exist: its pause would hold nothing, unnoticed. */
function checkExists ({ desk }: ManagerFace, { scope, name }: ReturnType<typeof scopeIn>): void {
  if (scope === 'task') desk.definition(name!)
  if (scope !== 'queue' && scope !== 'tag') return
  const names = scope === 'queue' ? desk.queues.names : desk.tags
  if (!names.includes(name!)) {
    throw misfit('/name', `found '${name}', but no task has that ${scope}; existing: ${names.join(', ') || 'none'}`)
  }
}

/** Pauses of everything, a queue, a task or a tag. Running runs continue. */
const pauses: Plugin = async app => {
  const { manager } = app
  const tags = ['holding']

  app.get('/api/pauses', { config: READ, schema: { tags, response: answers({ 200: Type.Array(Pause) }) } },
    async () => manager.pauses.list().map(pauseView))

  app.post('/api/pauses', { config: CONTROL, schema: { tags, body: PauseIn, response: answers({ 201: Pause }) } },
    async ({ body, by }, reply) => {
      const wanted = scopeIn(body, '/name')
      const until = untilIn(body, manager.clock.now())
      checkExists(manager, wanted)
      const pause = await manager.pauses.add({ ...wanted, until, by, reason: body.reason ?? null })
      return await reply.code(201).send(pauseView(pause))
    })

  app.delete('/api/pauses', {
    config: CONTROL,
    schema: { tags, querystring: Which, response: answers({ 204: Type.Null() }) }
  }, async ({ query, by }, reply) => {
    const { scope, name } = scopeIn(query, '/query/name')
    if (!await manager.pauses.remove({ scope, name }, by)) {
      throw pauseNotFound(name === null ? 'everything' : `${scope} '${name}'`)
    }
    return await reply.code(204).send(null)
  })
}

export default named('offpeak-pauses', pauses, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
