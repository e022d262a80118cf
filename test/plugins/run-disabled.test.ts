import t from 'tap'
import { mkdirSync } from 'node:fs'
import { boundedTask } from './bounded-task.ts'
import { setup } from './setup.ts'

t.test('a task that is disabled or not set up does not run on request', async t => {
  const root = t.testdir()
  mkdirSync(`${root}/x`)
  const off = boundedTask(root, { enabled: false })
  const bare = boundedTask(root, { id: 'bare', payload: {} })
  const { post, ask, manager } = await setup(t, { tasks: [off, bare] })
  for (const [url, payload] of [['/api/tasks/tidy/runs', {}], ['/api/runs/bulk', { runs: [{ task: 'tidy' }] }], [
    '/api/flows',
    { runs: [{ task: 'tidy' }] }
  ]] as const) {
    const answer = await post(url, payload)
    t.match(answer.json(), {
      status: 409,
      code: 'OFFPEAK_TASK_DISABLED',
      fix: /offpeak enable tidy.*server\.run_disabled/
    }, url)
  }
  t.match((await post('/api/tasks/bare/runs', { payload: { root } })).json(), {
    status: 409,
    code: 'OFFPEAK_TASK_UNCONFIGURED',
    pointer: '/tasks/bare/payload/root'
  })
  t.equal((await post('/api/schedules', { task: 'bare', trigger: '@daily', payload: { root } })).statusCode, 409)
  t.equal((await ask({ method: 'PATCH', url: '/api/tasks/tidy', payload: { enabled: true } })).statusCode, 200)
  while (!manager.catalog.tasks.get('tidy')!.enabled) await new Promise(resolve => setImmediate(resolve))
  t.equal((await post('/api/tasks/tidy/runs', {})).statusCode, 202)
})

t.test('server.run_disabled allows runs of disabled tasks', async t => {
  const { post } = await setup(t, {
    tasks: [{ id: 'off', enabled: false, func: () => 1 }],
    server: { run_disabled: true }
  })
  t.equal((await post('/api/tasks/off/runs')).statusCode, 202)
})
