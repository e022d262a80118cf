import type { QueueKind } from './queue.ts'
import { PAYLOAD, SLOTS } from '../place.ts'
import { load } from './packages.ts'

interface Bull {
  Queue: new(
    name: string,
    options: object
  ) => { add(name: string, data: object): Promise<unknown>, addBulk(jobs: object[]): Promise<unknown>,
    close(): Promise<void> }
  Worker: new(
    name: string,
    work: () => Promise<void>,
    options: object
  ) => { waitUntilReady(): Promise<unknown>, close(): Promise<void> }
}

/** On a Redis that appends every change to a file and syncs it each second. */
export const bullmq: QueueKind = {
  name: 'BullMQ',
  packages: ['bullmq'],
  needs: 'redis',
  durability: 'loses up to a second at power loss (AOF everysec)',
  async open ({ redis }) {
    const { Queue, Worker } = await load<Bull>('bullmq')
    const { hostname, port } = new URL(redis!)
    const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null }
    const queue = new Queue('noop', { connection })
    let worker: InstanceType<Bull['Worker']> | null = null
    return {
      add: () => queue.add('noop', PAYLOAD),
      addMany: count => queue.addBulk(Array.from({ length: count }, () => ({ name: 'noop', data: PAYLOAD }))),
      work: async handled => {
        worker = new Worker('noop', async () => handled(), { connection, concurrency: SLOTS })
        await worker.waitUntilReady()
      },
      stop: async () => {
        await worker?.close()
        await queue.close()
      }
    }
  }
}
