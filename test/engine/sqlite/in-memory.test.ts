import { readdirSync } from 'node:fs'
import t from 'tap'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import type { NewRun } from '../../../core/model/run/run.ts'

const run: NewRun = { task: 'one', queue: 'default', priority: 'normal', source: 'manual', due_at: 0, max_retries: 0 }

t.test('a store in memory keeps runs until its stop and writes no file', async t => {
  t.chdir(t.testdir())
  const engine = createSqliteEngine({ folder: ':memory:' })
  await engine.start()
  const [added] = await engine.add([run], 1)
  t.match(await engine.get(added!.run.id), { state: 'queued', task: 'one' })
  t.match(await engine.cancel({ id: added!.run.id, reason: { code: 'cancelled', message: 'by hand' }, now: 2 }), {
    state: 'cancelled'
  })
  t.match(await engine.health(3), { ok: true, bytes: 0 })
  await engine.stop()
  await engine.start()
  t.equal(await engine.get(added!.run.id), null)
  await engine.stop()
  t.strictSame(readdirSync('.'), [])
})
