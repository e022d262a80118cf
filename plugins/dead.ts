import Type from 'typebox'
import { CONTROL, READ } from './_http/scope.ts'
import { iso } from '../core/index.ts'
import { answers } from './_schema/base.ts'
import { Group, ReplayIn, Replayed, Which } from './_schema/dead.ts'
import { checkSelection } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const TAGS = ['dead']
/** Dead letters: runs that failed for good, grouped by task and error, and their replay. */
const dead: Plugin = async app => {
  const { desk } = app.manager

  app.get('/api/dead', {
    config: READ,
    schema: { tags: TAGS, querystring: Which, response: answers({ 200: Type.Array(Group) }) }
  }, async ({ query }) =>
    (await desk.dead.groups(query)).map(({ first_at: first, last_at: last, ...group }) => ({
      ...group,
      first_at: iso(first)!,
      last_at: iso(last)!
    })))

  app.post('/api/dead/replay', {
    config: CONTROL,
    schema: { tags: TAGS, body: ReplayIn, response: answers({ 200: Replayed }) }
  }, async ({ body, by }) => {
    checkSelection(body)
    const { all: _, ...ask } = body
    return { ...await desk.dead.replay({ ...ask, by }), dry_run: body.dry_run ?? false }
  })
}

export default named('offpeak-dead', dead, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
