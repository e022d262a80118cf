import Type from 'typebox'
import { OPEN, READ } from './_http/scope.ts'
import { answers, exactly } from './_schema/base.ts'
import { Health } from './_schema/health.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const Status = exactly({ status: Type.String() }, { title: 'Status' })
const open = { config: OPEN }

/** Liveness, readiness and health. `/livez` and `/readyz` are open to everyone. */
const health: Plugin = async app => {
  const { manager } = app
  const tags = ['health']

  app.get('/livez', { ...open, schema: { tags, response: answers({ 200: Status }) } }, async () => ({ status: 'ok' }))

  app.get('/readyz', { ...open, schema: { tags, response: { 200: Status, 503: Status } } },
    async (_request, reply) =>
      manager.state === 'started' ? { status: 'ok' } : await reply.code(503).send({ status: manager.state }))

  app.get('/api/health', { config: READ, schema: { tags, response: { ...answers({ 200: Health }), 503: Health } } },
    async (_request, reply) => {
      const answer = await manager.health()
      return await reply.code(answer.status === 'failed' ? 503 : 200).send(answer)
    })
}

export default named('offpeak-health', health)
