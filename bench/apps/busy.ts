import { createServer } from '../../core/server.ts'
import { addRuns, product } from '../product.ts'
import type { AddressInfo } from 'node:net'

/** The server with 100 tasks. `busy.ts <folder> <runs per second>` adds that many runs per second, and prints how many
 *  were executed. */
const [, , folder, pace] = process.argv as [string, string, string, string]
const EVERY_MS = 10
const TASKS = 100

let done = 0
const count = () => {
  done++
}
const manager = await product(folder,
  Array.from({ length: TASKS },
    (_, index) => ({ id: `task_${index}`, name: `Task ${index}`, func: count, tags: ['bench'] })))
const app = await createServer({ manager, env: {} })
await app.listen({ host: '127.0.0.1', port: 0 })
await manager.look()

let owed = 0
let begun = performance.now()

/** Adds runs at the pace, at most a tenth of a second ahead of those executed. */
async function pump (): Promise<void> {
  owed = (performance.now() - begun) / 1000 * Number(pace)
  const waiting = added - done
  const due = Math.min(Math.trunc(owed) - added, Number(pace) / 10 - waiting)
  if (due >= 1) {
    added += due
    await addRuns(manager, `task_${turn++ % TASKS}`, due)
    manager.runner.wake()
  }
  timer = setTimeout(() => void pump(), EVERY_MS)
}
let added = 0
let turn = 0
let timer: NodeJS.Timeout | undefined
if (Number(pace) > 0) void pump()

process.once('SIGTERM', () => {
  clearTimeout(timer)
  console.log(`did ${Math.round(done / (performance.now() - begun) * 1000)} a second`)
  void app.close().then(() => process.exit(0))
})
console.log(`offpeak answers at http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
begun = performance.now()
