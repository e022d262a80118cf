import Type from 'typebox'
import { READ } from './_http/scope.ts'
import { answers, exactly } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const BuiltIn = exactly({
  id: Type.String(),
  description: Type.String(),
  on: Type.Boolean({ description: 'False: the configuration does not name it, and it is not among the tasks' })
}, { title: 'BuiltIn' })

/** The built-in tasks. PATCH /api/tasks/{id} turns one on. */
const builtIn: Plugin = async app => {
  const { desk } = app.manager

  app.get('/api/builtin', {
    config: READ,
    schema: { tags: ['tasks'], response: answers({ 200: Type.Array(BuiltIn) }) }
  }, async () => desk.builtIns())
}

export default named('offpeak-built-in', builtIn, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
