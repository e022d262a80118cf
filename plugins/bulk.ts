import Type from 'typebox'
import { CONTROL, RUN } from './_http/scope.ts'
import type { ManagerFace, State } from '../core/index.ts'
import { MOST_RUNS, PRIORITIES, STATES, isFinal } from '../core/index.ts'
import { ChangeIn, Changed, filterIn } from './_schema/changes.ts'
import { IdIn, InstantIn, KeyHeader, answers, exactly, word } from './_schema/base.ts'
import { RequestedRun, Run, RunIn } from './_schema/run.ts'
import { checkDue, instantIn, requestedAnswer, runAnswer, runPlace } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const LARGE = 32 * 1024 * 1024
const { properties: fields } = RunIn
const RunsIn = exactly({
  runs: Type.Array(exactly({ task: Type.String({ minLength: 1, maxLength: 64 }), ...fields }), {
    minItems: 1,
    maxItems: MOST_RUNS,
    description: 'All are added, or none'
  })
})
const Added = exactly({
  added: Type.Integer(),
  runs: Type.Array(
    exactly({ id: Type.String(), created: Type.Boolean({ description: 'False: the run was there, by its key' }) })
  )
})
const EditIn = exactly({
  priority: Type.Optional(word(PRIORITIES)),
  payload: Type.Optional(Type.Unknown({ description: 'Takes the place of the old one' })),
  due_at: Type.Optional(InstantIn)
}, { minProperties: 1 })
const WhyIn = exactly({
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'Why; it is recorded' }))
})

const ACTS = { cancel: 'cancel', retry: 'retry', delete: 'remove', promote: 'promote' } as const

/** How many runs a dry run shows. */
const SHOWN = 20
/** The states in which it can be done, and those that are meant when none is said. */
const OVER: State[] = STATES.filter(isFinal)
const WAITING: State[] = ['blocked', 'queued']
const UNDER_WAY = STATES.filter(state => !isFinal(state))
const MEANT: Record<keyof typeof ACTS, { able: State[], usual: State[] }> = {
  cancel: { able: UNDER_WAY, usual: UNDER_WAY },
  retry: { able: OVER, usual: ['failed'] },
  delete: { able: OVER, usual: OVER },
  promote: { able: WAITING, usual: WAITING }
}

/** The newest of those that a change would be made to. */
async function touched (
  manager: ManagerFace,
  { act, filter, limit = SHOWN }: { act: keyof typeof ACTS, filter: ReturnType<typeof filterIn>,
    limit?: number | undefined }
) {
  const { able, usual } = MEANT[act]
  const state = filter.state?.filter(one => able.includes(one)) ?? usual
  if (state.length === 0) return []
  const { items } = await manager.desk.runs({ ...filter, state, limit: Math.min(limit, SHOWN) })
  // One that was asked to stop already is not asked again, and one that is due is not made so.
  const now = manager.clock.now()
  return items.filter(run => act === 'promote' ? run.due_at > now : act !== 'cancel' || run.cancel === null).map(run =>
    runAnswer(manager, run)
  )
}

/** Many runs in one call, and changes of runs that wait. */
const bulk: Plugin = async app => {
  const { manager } = app
  const { desk } = manager
  const tags = ['runs']

  app.post('/api/runs/bulk', {
    config: RUN,
    bodyLimit: LARGE,
    schema: { tags, headers: KeyHeader, body: RunsIn, response: answers({ 200: Added, 201: Added }) }
  }, async ({ headers, body, by }, reply) => {
    checkDue(body.runs, runPlace)
    const key = headers['idempotency-key']
    const added = key === undefined
      ? await desk.bulk.add(body.runs, { by })
      : await desk.bulk.addOnce(body.runs, { key, scope: 'runs/bulk', by })
    const runs = added.map(({ run: { id }, created }) => ({ id, created }))
    const count = runs.filter(({ created }) => created).length
    if (key !== undefined && count === 0) {
      return await reply.header('idempotency-replayed', 'true').code(200).send({ added: count, runs })
    }
    return await reply.code(201).send({ added: count, runs })
  })

  for (const [name, act] of Object.entries(ACTS)) {
    app.post(`/api/runs/${name}`, {
      config: CONTROL,
      schema: { tags, body: ChangeIn, response: answers({ 200: Changed }) }
    }, async ({ body, by }) => {
      const { filter, dry_run: dry = false, reason, limit, every } = body
      const changed = await desk.bulk.change(act, {
        filter: filterIn(filter),
        by,
        dry_run: dry,
        ...limit !== undefined && { limit },
        ...reason !== undefined && { message: reason },
        ...every !== undefined && { every }
      })
      return {
        ...changed,
        dry_run: dry,
        ...dry && { runs: await touched(manager, { act: name as keyof typeof ACTS, filter: filterIn(filter), limit }) }
      }
    })
  }

  app.patch('/api/runs/:id', {
    config: CONTROL,
    schema: { tags, params: IdIn, body: EditIn, response: answers({ 200: Run }) }
  }, async ({ params, body, by }) => {
    const due = instantIn('/due_at', body.due_at)
    const { due_at: _, ...rest } = body
    return runAnswer(manager, await desk.bulk.edit(params.id, { ...rest, ...due !== undefined && { due_at: due }, by }))
  })

  app.delete('/api/runs/:id', {
    config: CONTROL,
    schema: { tags, params: IdIn, querystring: WhyIn, response: answers({ 204: Type.Null() }) }
  }, async ({ params, query, by }, reply) => {
    await desk.bulk.remove(params.id, { by, ...query.reason !== undefined && { message: query.reason } })
    return await reply.code(204).send(null)
  })

  app.post('/api/runs/:id/promote', {
    config: CONTROL,
    schema: { tags, params: IdIn, body: Type.Optional(exactly({})), response: answers({ 200: Run }) }
  }, async ({ params, by }) => runAnswer(manager, await desk.bulk.promote(params.id, { by })))

  app.post('/api/runs/:id/now', {
    config: CONTROL,
    schema: { tags, params: IdIn, body: Type.Optional(exactly({})), response: answers({ 200: RequestedRun }) }
  }, async ({ params, by }) => requestedAnswer(manager, await desk.bulk.runNow(params.id, { by })))
}

export default named('offpeak-bulk', bulk, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
