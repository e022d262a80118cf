import Type from 'typebox'
import { SECRET } from './_http/scope.ts'
import { entryAnswer } from './_http/answers.ts'
import { Limit, Recorded, answers, exactly, nullable, page } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const Filter = exactly({
  action: Type.Optional(Type.String({ maxLength: 64 })),
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'Entries with a lower seq' })),
  limit: Limit(50, 200)
})

/** The audit record of manual changes. */
const records: Plugin = async app => {
  app.get('/api/records', {
    config: SECRET,
    schema: {
      tags: ['records'],
      querystring: Filter,
      response: answers({
        200: page(Recorded,
          nullable(Type.Integer({ description: 'The `before` of the next page; null: there are no older entries' })))
      })
    }
  }, async ({ query }) => {
    const limit = query.limit!
    const entries = await app.manager.history.records({ ...query, limit })
    return { items: entries.map(entryAnswer), next: entries.length === limit ? entries.at(-1)!.seq : null }
  })
}

export default named('offpeak-records', records)
