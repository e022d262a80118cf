import t from 'tap'
import { symlinkSync } from 'node:fs'
import type { TaskDefinition } from '../../core/model/task/task.ts'
import { checkReach } from '../../core/work/execute/reach.ts'
import { home } from '../manager/home.ts'
import { boundedTask } from './bounded-task.ts'
import { setup } from './setup.ts'
import { until } from '../clock.ts'

t.test('a path of a nested setting is bounded as any other, and so are links on its way [S23]', async t => {
  const base = t.testdir({ root: { inner: {} }, secret: {} })
  symlinkSync(`${base}/secret`, `${base}/root/link`)
  const nested: TaskDefinition = {
    id: 'nested',
    func: ctx => ctx.payload,
    max_retries: 0,
    payload: { deep: { er: { path: `${base}/root` } } },
    input: {
      type: 'object',
      properties: {
        deep: {
          type: 'object',
          properties: { er: { type: 'object', properties: { path: { type: 'string', configured: 'within' } } } }
        }
      }
    } as never
  }
  const { post, finished } = await setup(t, { tasks: [nested] })
  const ask = (path: string) => post('/api/tasks/nested/runs', { payload: { deep: { er: { path } } } })
  t.match((await ask(`${base}/secret`)).json(), { status: 422, errors: [{ pointer: '/payload/deep/er/path' }] })
  t.match(await finished((await ask(`${base}/root/inner`)).json().id), { state: 'completed' })
  t.match(await finished((await ask(`${base}/root/link`)).json().id), {
    state: 'failed',
    error: { message: /\/payload\/deep\/er\/path leads out of the folder/ }
  })
})

t.test('a task receives the folders that bound its paths, with every isolation [S23]', async t => {
  const root = t.testdir({ a: {} })
  symlinkSync(`${root}/a`, `${root}/link`)
  const body = (isolation: string) =>
    `export default { id: 'bounded_${isolation}', isolation: '${isolation}', func: ({ reach }) => reach, max_retries: 0,
    payload: { root: ${JSON.stringify(`${root}/link`)} },
    input: { type: 'object', properties: { root: { type: 'string', configured: 'within' } } } }\n`
  const { manager } = await home(t, {
    files: Object.fromEntries(['inline', 'thread', 'process'].map(one => [`${one}.mjs`, body(one)]))
  })
  await manager.start()
  for (const where of ['inline', 'thread', 'process']) {
    const over = async (payload: object) => {
      const { run } = await manager.desk.enqueue(`bounded_${where}`, { payload })
      await until('it is over', async () => ['completed', 'failed'].includes((await manager.desk.run(run.id)).state))
      return (await manager.desk.run(run.id)).result
    }
    t.same(await over({ root: `${root}/link/deep` }), { '/payload/root': [`${root}/a`] }, where)
    t.same(await over({}), {}, `${where}: nothing was asked for`)
  }
})

t.test('a folder configured below a home directory is resolved when links are checked [S23]', {
  skip: process.getuid?.() !== 0 && 'only root may write there'
}, async t => {
  const { post, finished } = await setup(t, { tasks: [boundedTask('~root')] })
  const { id } = (await post('/api/tasks/tidy/runs', { payload: { root: '~root/none' } })).json()
  t.match(await finished(id), { state: 'completed' })
  const reach = await checkReach({ ...boundedTask('~root'), payload: { root: '~root' }, source: 'code' } as never, {
    payload: { root: '~root/none' },
    source: 'manual',
    task: 'tidy',
    schedule: null
  }, '/up')
  t.same(reach, { '/payload/root': ['/root'] })
})
