import t from 'tap'
import { everyRoute } from './routes.ts'
import { setup } from './setup.ts'

interface OpenApi {
  openapi: string
  paths: Record<string, Record<string, { responses: Record<string, object> }>>
}

t.test('the description lists every route [S42]', async t => {
  const { ask } = await setup(t)
  const { openapi, paths } = (await ask({ url: '/api/openapi.json' })).json() as OpenApi
  t.match(openapi, /^3\.1/)
  const described = Object.entries(paths).flatMap(([url, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${url}`)
  )
  const routes = (await everyRoute(t)).filter(({ method, hidden }) => method !== 'HEAD' && !hidden).map((
    { method, url }
  ) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)
  t.same(described.toSorted(), routes.toSorted())
  t.ok(routes.length >= 18)
  for (const methods of Object.values(paths)) {
    for (const { responses } of Object.values(methods)) t.ok(Object.keys(responses).length > 0)
  }
})

t.test('every described route states the schemas of its answers', async t => {
  const routes = (await everyRoute(t)).filter(({ method, hidden }) => method !== 'HEAD' && !hidden)
  const bare = routes.filter(({ answers }) => answers.length === 0).map(({ method, url }) => `${method} ${url}`)
  t.strictSame(bare, [], 'add `response: answers({ … })` to the schema of the route')
})

t.test('the page of the description loads scripts from the server only', async t => {
  const { ask } = await setup(t)
  const page = await ask({ url: '/api/docs/' })
  t.equal(page.statusCode, 200)
  t.notMatch(page.body, /<script(?![^>]*src="\.)[^>]*>/)
  for (const [, file] of page.body.matchAll(/(?:src|href)="\.\/(static\/[^"]+)"/g)) {
    t.equal((await ask({ url: `/api/docs/${file}` })).statusCode, 200, file!)
  }
})

t.test('server.docs false removes the description', async t => {
  const { ask } = await setup(t, { server: { docs: false } })
  t.equal((await ask({ url: '/api/openapi.json' })).statusCode, 404)
  t.equal((await ask({ url: '/api/docs/' })).statusCode, 404)
})
