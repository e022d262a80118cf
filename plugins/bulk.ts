import Type from 'typebox'
import { CONTROL, RUN } from './_http/scope.ts'
import { MOST_RUNS } from '../core/index.ts'
import { ChangeIn, Changed, filterIn } from './_schema/changes.ts'
import { KeyHeader, answers, exactly } from './_schema/base.ts'
import { RunIn } from './_schema/run.ts'
import { checkDue, runPlace } from './_http/answers.ts'
import { matchingRuns } from './_http/dry-run.ts'
import type { Change } from './_http/dry-run.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

const TAGS = ['runs']
const BODY_LIMIT = 32 * 1024 * 1024
const { properties: fields } = RunIn
const RunsIn = exactly({
  runs: Type.Array(exactly({ task: Type.String({ minLength: 1, maxLength: 64 }), ...fields }), {
    minItems: 1,
    maxItems: MOST_RUNS,
    description: 'Either all runs are added, or none'
  })
}, { examples: [{ runs: [{ task: 'backup' }, { task: 'report', payload: { month: 11 } }] }] })
const Added = exactly({
  added: Type.Integer(),
  runs: Type.Array(
    exactly({ id: Type.String(), created: Type.Boolean({ description: 'False: a run with the key existed' }) })
  )
}, { title: 'AddedRuns' })
const ACTS = { cancel: 'cancel', retry: 'retry', delete: 'remove', promote: 'promote' } as const

/** POST /api/runs/bulk. */
function addition (app: PluginApp): void {
  const { bulk } = app.manager.desk

  app.post('/api/runs/bulk', {
    config: RUN,
    bodyLimit: BODY_LIMIT,
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
        ...dry && { runs: await matchingRuns(manager, { change: name as Change, filter: filterIn(filter), limit }) }
      }
    })
  }
}

/** Adds or changes many runs in one request. */
const bulk: Plugin = async app => {
  addition(app)
  changes(app)
}

export default named('offpeak-bulk', bulk, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
