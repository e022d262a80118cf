import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratch } from '../work/harness.ts'
import { served } from './server.ts'
import { until } from '../clock.ts'

/** A task whose module blocks its thread for 1.5 s when it is imported for a run. */
const slow = (id: string, isolation: string, file: string) => `
import { appendFileSync } from 'node:fs'
const line = text => appendFileSync(${JSON.stringify(file)}, text + '\\n')
if (process.env.OFFPEAK_RUN_ID) {
  line('imports ${id}')
  for (const end = Date.now() + 1500; Date.now() < end;);
}
const func = () => { line('begins ${id}') }
export const TASK_DEFINITIONS = [{ id: '${id}', isolation: '${isolation}', max_retries: 0, func }]
`

for (const isolation of ['process', 'thread'] as const) {
  t.test(
    `a cancel during the import of the module in a ${isolation} keeps the function from being called`,
    { timeout: 240_000 },
    async t => {
      const root = scratch(t)
      const file = join(root, 'lines')
      writeFileSync(file, '')
      const lines = () => readFileSync(file, 'utf8').split('\n').filter(Boolean)
      const { call } = await served(t, {
        root,
        files: { 'work.js': slow('work', isolation, file), 'package.json': '{"type":"module"}' }
      })
      const { body } = await call('POST', '/api/tasks/work/runs', {})
      const { id } = body as { id: string }
      await until('it is imported', () => lines().includes('imports work'))
      const { status } = await call('POST', `/api/runs/${id}/cancel`)
      t.equal(status, 202)
      await until('it is over', async () =>
        ((await call('GET', `/api/runs/${id}`)).body as { state: string }).state !== 'running')
      t.match((await call('GET', `/api/runs/${id}`)).body, { state: 'cancelled' })
      t.notOk(lines().includes('begins work'))
    }
  )
}
