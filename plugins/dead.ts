import Type from 'typebox'
import { CONTROL, READ } from './_http/scope.ts'
import { iso } from '../core/index.ts'
import { IdIn, answers } from './_schema/base.ts'
import { DiscardIn, DiscardOneIn, Discarded, Group, ReplayIn, Replayed, Which } from './_schema/dead.ts'
import { Run } from './_schema/run.ts'
import { misfit, runAnswer } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

const TAGS = ['dead']
/** A request without a selection would change every dead run. */
function checkSelection (
  { task, fingerprint, all = false }: { task?: string, fingerprint?: string, all?: boolean }
): void {
  if (task === undefined && fingerprint === undefined && !all) {
    throw misfit('', "expected 'task', 'fingerprint' or 'all': true")
  }
}

/** POST /api/dead/discard and /api/dead/{id}/discard. */
function discards (app: PluginApp): void {
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

/** Dead letters: runs that failed for good, grouped by task and error, to be replayed or discarded. */
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
  discards(app)
}

export default named('offpeak-dead', dead, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
