import Type from 'typebox'
import { CONTROL, READ } from './_http/scope.ts'
import { DurationSchema, iso } from '../core/index.ts'
import { IdIn, Instant, answers, exactly } from './_schema/base.ts'
import { Run } from './_schema/run.ts'
import { runAnswer } from './_http/answers.ts'
import { misfit } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

const TAGS = ['dead']
const which = {
  task: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  fingerprint: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'The fingerprint of the error' }))
}
const meant = {
  ...which,
  all: Type.Optional(
    Type.Boolean({
      description: 'Required to be true when neither task nor fingerprint is given'
    })
  ),
  dry_run: Type.Optional(Type.Boolean({ description: 'Counts them and changes nothing' }))
}
const Group = exactly({
  task: Type.String(),
  fingerprint: Type.String(),
  count: Type.Integer(),
  message: Type.String({ description: 'Of the newest' }),
  first_at: Instant,
  last_at: Instant
})
const ReplayIn = exactly({
  ...meant,
  every: Type.Optional({ ...DurationSchema, description: 'The interval at which they become due' })
})
const reason = Type.String({ minLength: 1, maxLength: 500 })
const counted = {
  matched: Type.Integer(),
  changed: Type.Integer(),
  refused: Type.Integer({ description: 'Not queued again, because their queues are full' }),
  dry_run: Type.Boolean()
}

function checkMeant ({ task, fingerprint, all = false }: { task?: string, fingerprint?: string, all?: boolean }): void {
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
    schema: { tags: TAGS, body: exactly({ ...meant, reason }), response: answers({ 200: exactly(counted) }) }
  }, async ({ body, by }) => {
    checkMeant(body)
    const { all: _, reason: message, ...ask } = body
    return { ...await desk.dead.discard({ ...ask, message, by }), dry_run: body.dry_run ?? false }
  })

  app.post('/api/dead/:id/discard', {
    config: CONTROL,
    schema: { tags: TAGS, params: IdIn, body: exactly({ reason }), response: answers({ 200: Run }) }
  },
    async ({ params, body, by }) =>
      runAnswer(manager, await desk.dead.discardOne(params.id, { by, message: body.reason })))
}

/** Runs that failed for good, by task and what they failed of: played again or discarded. */
const dead: Plugin = async app => {
  const { desk } = app.manager

  app.get('/api/dead', {
    config: READ,
    schema: { tags: TAGS, querystring: exactly(which), response: answers({ 200: Type.Array(Group) }) }
  }, async ({ query }) =>
    (await desk.dead.groups(query)).map(({ first_at: first, last_at: last, ...group }) => ({
      ...group,
      first_at: iso(first)!,
      last_at: iso(last)!
    })))

  app.post('/api/dead/replay', {
    config: CONTROL,
    schema: {
      tags: TAGS,
      body: ReplayIn,
      response: answers({
        200: exactly({
          ...counted,
          vanished: Type.Integer({ description: 'Runs of tasks that are missing or disabled; they are unchanged' })
        })
      })
    }
  }, async ({ body, by }) => {
    checkMeant(body)
    const { all: _, ...ask } = body
    return { ...await desk.dead.replay({ ...ask, by }), dry_run: body.dry_run ?? false }
  })
  discards(app)
}

export default named('offpeak-dead', dead, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
