import { CONTROL } from './_http/scope.ts'
import { IdIn, answers } from './_schema/base.ts'
import { DiscardIn, DiscardOneIn, Discarded } from './_schema/dead.ts'
import { Run } from './_schema/run.ts'
import { checkSelection, runAnswer } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const TAGS = ['dead']

/** Discards dead runs: those of a task or an error, or one. */
const deadDiscard: Plugin = async app => {
  const { manager } = app
  const { desk } = manager

  app.post('/api/dead/discard', {
    config: CONTROL,
    schema: { tags: TAGS, body: DiscardIn, response: answers({ 200: Discarded }) }
  }, async ({ body, by }) => {
    checkSelection(body)
    const { all: _, reason: message, ...ask } = body
    return { ...await desk.dead.discard({ ...ask, message, by }), dry_run: body.dry_run ?? false }
  })

  app.post('/api/dead/:id/discard', {
    config: CONTROL,
    schema: { tags: TAGS, params: IdIn, body: DiscardOneIn, response: answers({ 200: Run }) }
  },
    async ({ params, body, by }) =>
      runAnswer(manager, await desk.dead.discardOne(params.id, { by, message: body.reason })))
}

export default named('offpeak-dead-discard', deadDiscard, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
