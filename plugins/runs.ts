import Type from 'typebox'
import { READ, RUNS, SECRET, withheld } from './_http/scope.ts'
import { SOURCES, STATES } from '../core/index.ts'
import { fullRunAnswer, instantIn, lineAnswer, runAnswer } from './_http/answers.ts'
import { FullRun, Line, Progress, Run } from './_schema/run.ts'
import { IdIn, InstantIn, Limit, answers, exactly, nullable, page, word } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin, PluginApp } from './_http/plugin.ts'

const TAGS = ['runs']
const Filter = exactly({
  task: Type.Optional(Type.String({ maxLength: 64 })),
  state: Type.Optional(Type.Array(word(STATES), { description: 'Repeated, or separated by commas' })),
  queue: Type.Optional(Type.String({ maxLength: 64 })),
  source: Type.Optional(word(SOURCES)),
  schedule: Type.Optional(Type.String({ maxLength: 64 })),
  from: Type.Optional(InstantIn),
  to: Type.Optional(InstantIn),
  limit: Limit(50, 200),
  cursor: Type.Optional(Type.String({ maxLength: 200 }))
})
const LineFilter = exactly({ after: Type.Optional(Type.Integer({ minimum: 0, default: 0 })), limit: Limit(500, 2000) })
const ProgressNow = exactly({
  id: Type.String(),
  state: word(STATES),
  label: Type.String(),
  attempt: Type.Integer(),
  progress: Progress
}, { title: 'RunProgress' })

/** GET /api/runs. */
function list (app: PluginApp): void {
  const { manager } = app

  app.get('/api/runs', {
    config: RUNS,
    schema: { tags: TAGS, querystring: Filter, response: answers({ 200: page(Run, nullable(Type.String())) }) }
  }, async (request, reply) => {
    const { from, to, limit, ...rest } = request.query
    const range = { from: instantIn('/query/from', from), to: instantIn('/query/to', to) }
    const { items, next } = await manager.desk.runs(
      { ...rest, ...range, limit: limit! } as Parameters<typeof manager.desk.runs>[0]
    )
    if (next !== null) {
      const url = new URL(request.url, 'http://local')
      url.searchParams.set('cursor', next)
      reply.header('link', `<${url.pathname}${url.search}>; rel="next"`)
    }
    return { items: items.map(run => runAnswer(manager, run)), next }
  })
}

/** GET /api/runs/{id}, its progress and its log. */
function one (app: PluginApp): void {
  const { manager } = app

  app.get('/api/runs/:id', {
    config: withheld('payload', 'result', 'checkpoint', 'key'),
    schema: { tags: TAGS, params: IdIn, response: answers({ 200: FullRun }) }
  }, async ({ params }) => fullRunAnswer(manager, await manager.desk.run(params.id)))

  app.get('/api/runs/:id/progress', {
    config: READ,
    schema: { tags: TAGS, params: IdIn, response: answers({ 200: ProgressNow }) }
  }, async ({ params }) => {
    const { id, state, label, attempt, progress } = runAnswer(manager, await manager.desk.run(params.id))
    return { id, state, label, attempt, progress }
  })

  app.get('/api/runs/:id/logs', {
    config: SECRET,
    schema: {
      tags: TAGS,
      params: IdIn,
      querystring: LineFilter,
      response: answers({ 200: page(Line, Type.Integer({ description: 'The `after` of the next page' })) })
    }
  }, async ({ params, query }) => {
    const lines = await manager.desk.logs({ id: params.id, after: query.after!, limit: query.limit! })
    return { items: lines.map(lineAnswer), next: lines.at(-1)?.seq ?? query.after! }
  })
}

/** Reads runs: the list, and one run with its progress and log. */
const runs: Plugin = async app => {
  list(app)
  one(app)
}

export default named('offpeak-runs', runs)
