import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CALM } from '../calm.ts'
import { createManager } from '../../core/manager.ts'

// A manager under traffic, to be killed. It adds runs continuously and writes the id of each acknowledged run to a
// file; its tasks write their run ids when they begin and end.
const root = process.argv[2]!
mkdirSync(root, { recursive: true })
const line = (file: string, text: string) => appendFileSync(join(root, file), `${text}\n`)
const manager = await createManager({ root, files: 'none', env: CALM, config: { manager: { crash_cap: 1000 } } })
manager.registerTasks([
  {
    id: 'quick',
    max_retries: 0,
    func: ctx => {
      line('begun', ctx.run_id)
    }
  },
  {
    id: 'slow',
    max_retries: 0,
    func: async ctx => {
      line('begun', ctx.run_id)
      await new Promise(resolve => {
        setTimeout(resolve, 40)
      })
      line('ended', ctx.run_id)
    }
  }
])
await manager.start()
process.send?.('started')
async function caller (task: string): Promise<never> {
  for (;;) {
    const { run } = await manager.desk.enqueue(task)
    line('acknowledged', run.id)
    await new Promise(resolve => {
      setTimeout(resolve, 3)
    })
  }
}
for (const task of ['quick', 'slow', 'slow']) void caller(task)
