import t from 'tap'
import { apiPage } from '../../plugins/_openapi/api-page.ts'

const PLACES = { style: '/jobs/api/docs/page.css', source: '/jobs/api/openapi.json' }
const DOCUMENT = {
  components: {
    schemas: { Task: { type: 'object', maxProperties: 7 } },
    responses: { Missing: { description: 'No such `task`' } }
  },
  info: { title: 'offpeak', version: '1.2.3', description: 'Tasks' },
  paths: {
    '/api/tasks/{id}': {
      get: {
        operationId: 'get_tasks_id',
        summary: 'A task of `tasks`',
        tags: ['tasks'],
        'x-scope': 'read',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', description: 'Its <id>' } }],
        responses: {
          200: {
            description: 'Found',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Task' } } }
          },
          404: { $ref: '#/components/responses/Missing' }
        }
      },
      patch: { requestBody: { content: { 'application/json': { schema: { minProperties: 1 } } } } }
    }
  }
}

t.test('the page without Swagger UI has each operation with its parameters, body and answers', async t => {
  const page = apiPage(DOCUMENT, PLACES)
  for (const part of ['<h1>offpeak 1.2.3</h1>', '<h2>tasks</h2>', '<h2>other</h2>', 'id="get_tasks_id"',
    '<p>Scope: read</p>', '<code>GET /api/tasks/{id}</code> A task of <code>tasks</code>',
    '<code>PATCH /api/tasks/{id}</code>', 'path, required', '200 Found', '404 No such <code>task</code>',
    '<code>#/components/schemas/Task</code>', '&quot;maxProperties&quot;: 7', '&quot;minProperties&quot;: 1',
    'href="/jobs/api/docs/page.css"', 'href="/jobs/api/openapi.json"']) {
    t.ok(page.includes(part), part)
  }
})

t.test('the page without Swagger UI needs no script, and text in it is not markup', async t => {
  const page = apiPage(DOCUMENT, PLACES)
  t.notMatch(page, /<script|<style|style=|\son\w+=/)
  t.ok(page.includes('Its &lt;id&gt;'))
})

t.test('a document without operations is a page too', async t => {
  t.match(apiPage({ info: { title: 'empty', version: '0' } }, PLACES), /<title>empty<\/title>/)
})
