import Type from 'typebox'
import { CONTROL, RUN } from './_http/scope.ts'
import type { ManagerFace, State } from '../core/index.ts'
import { MOST_RUNS, STATES, isFinal } from '../core/index.ts'
import { ChangeIn, Changed, filterIn } from './_schema/changes.ts'
import { KeyHeader, answers, exactly } from './_schema/base.ts'
import { RunIn } from './_schema/run.ts'
import { checkDue, runAnswer, runPlace } from './_http/answers.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

const TAGS = ['runs']
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

/** POST /api/runs/bulk. */
function addition (app: PluginApp): void {
  const { bulk } = app.manager.desk

  app.post('/api/runs/bulk', {
    config: RUN,
    bodyLimit: LARGE,
    schema: { tags: TAGS, headers: KeyHeader, body: RunsIn, response: answers({ 200: Added, 201: Added }) }
  }, async ({ headers, body, by }, reply) => {
    checkDue(body.runs, runPlace)
    const key = headers['idempotency-key']
    const added = key === undefined
      ? await bulk.add(body.runs, { by })
      : await bulk.addOnce(body.runs, { key, scope: 'runs/bulk', by })
    const runs = added.map(({ run: { id }, created }) => ({ id, created }))
    const count = runs.filter(({ created }) => created).length
    if (key !== undefined && count === 0) {
      return await reply.header('idempotency-replayed', 'true').code(200).send({ added: count, runs })
    }
    return await reply.code(201).send({ added: count, runs })
  })
}

/** POST /api/runs/cancel, retry, delete and promote. */
function changes (app: PluginApp): void {
  const { manager } = app

  for (const [name, act] of Object.entries(ACTS)) {
    app.post(`/api/runs/${name}`, {
      config: CONTROL,
      schema: { tags: TAGS, body: ChangeIn, response: answers({ 200: Changed }) }
    }, async ({ body, by }) => {
      const { filter, dry_run: dry = false, reason, limit, every } = body
      const changed = await manager.desk.bulk.change(act, {
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
}

/** Many runs in one call. */
const bulk: Plugin = async app => {
  addition(app)
  changes(app)
}

export default named('offpeak-bulk', bulk, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
