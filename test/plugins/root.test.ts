import fastify from 'fastify'
import t from 'tap'
import { createManager } from '../../core/manager.ts'
import { offpeak } from '../../core/server.ts'
import { scratch } from '../work/harness.ts'
import { setup } from './setup.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

t.test('/ answers a browser with a page of the tasks, whose links exist', async t => {
  const { plain } = await setup(t, {
    tasks: [{ id: 'tidy', trigger: '0 3 * * *', timezone: 'UTC', func: () => 1 }]
  })
  const page = await plain({ url: '/', headers: { accept: BROWSER } })
  t.equal(page.statusCode, 200)
  t.match(page.headers, { 'content-type': 'text/html; charset=utf-8', 'vary': 'accept' })
  t.match(page.body, /<td>tidy<\/td><td>scheduled<\/td><td>At 03:00/)
  t.notMatch(page.body, /<script|<style/)
  for (const [, url] of page.body.matchAll(/href="([^"]+)"/g)) {
    if (url !== '/api/events') t.equal((await plain({ url: url! })).statusCode, 200, url!)
  }
})

t.test('/ answers a program with the entry points, without the description when that is off', async t => {
  for (const docs of [true, false]) {
    const { plain } = await setup(t, { server: { docs } })
    const { links, name } = (await plain({ url: '/', headers: { accept: 'application/json' } })).json()
    t.equal(name, 'offpeak')
    t.match(links, { tasks: '/api/tasks', health: '/api/health' })
    t.equal(links.openapi, docs ? '/api/openapi.json' : undefined)
  }
})

t.test('other machines need a token for it', async t => {
  const { plain, token } = await setup(t)
  const ask = (headers: object) =>
    plain({ url: '/', remoteAddress: '10.0.0.2', headers: { accept: BROWSER, ...headers } })
  t.equal((await ask({})).statusCode, 401)
  t.equal((await ask({ authorization: `Bearer ${token}` })).statusCode, 200)
})

t.test('in another app / belongs to that app, and a prefix has its own', async t => {
  for (const prefix of ['', '/jobs']) {
    const manager = await createManager({ root: scratch(t), env: {}, files: 'none' })
    const app = fastify()
    t.teardown(() => app.close())
    app.get('/own', () => 'own')
    await app.register(offpeak, { manager, prefix })
    const answer = await app.inject({ url: `${prefix}/` })
    t.equal(answer.statusCode, prefix === '' ? 404 : 200, prefix)
    if (prefix !== '') t.equal(answer.json().links.tasks, '/jobs/api/tasks')
  }
})
