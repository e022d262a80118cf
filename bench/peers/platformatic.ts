import { join } from 'node:path'
import type { QueueKind } from './queue.ts'
import { PAYLOAD, SLOTS } from '../place.ts'
import { load } from './packages.ts'

interface Jobs {
  on(event: 'error', listener: () => void): void
  start(): Promise<void>
  stop(): Promise<void>
  execute(work: () => Promise<void>): void
  enqueue(id: string, payload: object): Promise<unknown>
}
interface JobQueue {
  FileStorage: new(options: object) => object
  Queue: new(options: object) => Jobs
}

/** On its storage of files, one or more for each job: the one that needs no server. */
export const platformatic: QueueKind = {
  name: '@platformatic/job-queue',
  packages: ['@platformatic/job-queue'],
  durability: 'survives the process (files are renamed into place)',
  note: 'no bulk call: as many calls',
  async open ({ folder }) {
    const { FileStorage, Queue } = await load<JobQueue>('@platformatic/job-queue')
    const options = { storage: new FileStorage({ basePath: join(folder, 'jobs') }), concurrency: SLOTS }
    const producer = new Queue(options)
    producer.on('error', () => undefined)
    await producer.start()
    let consumer: Jobs | null = null
    let last = 0
    const add = () => producer.enqueue(String(++last), PAYLOAD)
    return {
      add,
      addMany: count => Promise.all(Array.from({ length: count }, add)),
      work: async handled => {
        consumer = new Queue({ ...options, storage: new FileStorage({ basePath: join(folder, 'jobs') }) })
        consumer.on('error', () => undefined)
        consumer.execute(async () => handled())
        await consumer.start()
      },
      stop: async () => {
        await consumer?.stop()
        await producer.stop()
      }
    }
  }
}
