import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createManager } from '../../core/manager.ts'
import { createServer } from '../../core/server.ts'
import { CALM } from '../calm.ts'
import { scratch } from '../work/harness.ts'

t.test('a request that arrives while the server ends is answered in the form of every other', async t => {
  const manager = await createManager({ root: scratch(t), files: 'none', env: CALM })
  const app = await createServer({ manager })
  const [ending, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  app.addHook('preClose', async () => {
    ending.resolve()
    await over.promise
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const closed = app.close()
  await ending.promise
  const answer = await fetch(`http://127.0.0.1:${port}/api/nowhere`)
  t.match([answer.status, answer.headers.get('content-type')], [404, 'application/problem+json; charset=utf-8'])
  t.match(await answer.json(), { code: 'OFFPEAK_ROUTE_NOT_FOUND' })
  over.resolve()
  await closed
})
