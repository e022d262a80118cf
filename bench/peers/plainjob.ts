import { join } from 'node:path'
import type { QueueKind } from './queue.ts'
import { PAYLOAD, SLOTS } from '../place.ts'
import { load } from './packages.ts'

interface Jobs {
  add(type: string, data: unknown): unknown
  addMany(type: string, data: unknown[]): unknown
  close(): void
}
interface Plainjob {
  better(database: unknown): unknown
  defineQueue(options: object): Jobs
  defineWorker(type: string, work: () => void, options: object): { start(): Promise<void>, stop(): Promise<void> }
}

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

/** SQLite through better-sqlite3, with the pragmas of its own. A worker does one job after the other, so there are
 *  ten. */
export const plainjob: QueueKind = {
  name: 'plainjob',
  packages: ['plainjob', 'better-sqlite3'],
  durability: 'survives the process (synchronous = normal)',
  note: 'polls every second, its default',
  async open ({ folder }) {
    const { better, defineQueue, defineWorker } = await load<Plainjob>('plainjob')
    const { default: Database } = await load<{ default: new(file: string) => unknown }>('better-sqlite3')
    const queue = defineQueue({ connection: better(new Database(join(folder, 'plainjob.db'))), logger: silent })
    let workers: { start(): Promise<void>, stop(): Promise<void> }[] = []
    return {
      add: () => queue.add('noop', PAYLOAD),
      addMany: count => queue.addMany('noop', Array.from({ length: count }, () => PAYLOAD)),
      work: handled => {
        workers = Array.from({ length: SLOTS }, () => defineWorker('noop', handled, { queue, logger: silent }))
        for (const worker of workers) void worker.start()
      },
      stop: async () => {
        await Promise.all(workers.map(worker => worker.stop()))
        queue.close()
      }
    }
  }
}
