import { times } from '../depth.ts'
import t from 'tap'
import { fork } from '../child.ts'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CALM } from '../calm.ts'
import { createManager } from '../../core/manager.ts'
import { broken } from '../recount.ts'
import { scratch } from '../work/harness.ts'
import { until } from '../clock.ts'

const KILLS = times(30)

t.test(`${KILLS} kills under traffic lose no acknowledged run and charge no attempt [F01]`, {
  timeout: 240_000
}, async t => {
  const root = scratch(t)
  for (let kill = 0; kill < KILLS; kill++) {
    const child = fork(join(import.meta.dirname, 'traffic.ts'), [root], { stdio: 'ignore' })
    await once(child, 'message')
    await new Promise(resolve => {
      setTimeout(resolve, 20 + kill * 37 % 150)
    })
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  t.same(broken(join(root, 'data')), [])
  const manager = await createManager({ root, files: 'none', env: CALM, config: { manager: { crash_cap: 1000 } } })
  t.teardown(() => manager.stop())
  manager.registerTasks(['quick', 'slow'].map(id => ({ id, max_retries: 0, func: () => 'after all' })))
  await manager.start()
  const unfinished = async () =>
    (await manager.engine.count()).reduce((sum, { states }) => sum + states.queued + states.running, 0)
  await until('all runs are completed', async () => await unfinished() === 0)
  const ids = (file: string) => readFileSync(join(root, file), 'utf8').split('\n').filter(Boolean)
  const acknowledged = ids('acknowledged')
  t.ok(acknowledged.length > KILLS * 3, `${acknowledged.length} runs were acknowledged`)
  const begun = Map.groupBy(ids('begun'), id => id)
  let crashes = 0
  for (const id of acknowledged) {
    const run = await manager.desk.run(id)
    crashes += run.crashes
    if (run.state === 'completed' && run.attempt === 1 && run.turn === run.crashes + 1 &&
      (begun.get(id)?.length ?? 0) <= run.turn) continue
    t.fail(`run ${id}`, { run, begun: begun.get(id) })
  }
  t.ok(crashes > 0, `${crashes} crashes were counted, not as attempts`)
})
