import type { QueueKind } from './queue.ts'
import { FULL } from './queue.ts'
import { PAYLOAD, SLOTS } from '../place.ts'
import { load } from './packages.ts'

interface Boss {
  on(event: 'error', listener: () => void): void
  start(): Promise<unknown>
  stop(options: object): Promise<void>
  createQueue(name: string, options: object): Promise<void>
  send(name: string, data: object): Promise<unknown>
  insert(name: string, jobs: object[]): Promise<unknown>
  work(name: string, options: object, handler: (jobs: unknown[]) => Promise<void>): Promise<string>
}

/** Tuned for throughput: it is woken by the database, and takes a hundred jobs at once while there are that many. */
export const pgBoss: QueueKind = {
  name: 'pg-boss',
  packages: ['pg-boss'],
  needs: 'postgres',
  durability: FULL,
  note: 'notify, batches of 100',
  async open ({ postgres }) {
    const { PgBoss } = await load<{ PgBoss: new(options: object) => Boss }>('pg-boss')
    const boss = new PgBoss({
      connectionString: postgres,
      max: 20,
      useListenNotify: true,
      supervise: false,
      schedule: false
    })
    boss.on('error', () => undefined)
    await boss.start()
    await boss.createQueue('noop', { notify: true })
    return {
      add: () => boss.send('noop', PAYLOAD),
      addMany: count => boss.insert('noop', Array.from({ length: count }, () => ({ data: PAYLOAD }))),
      work: async handled => {
        const options = {
          batchSize: 100,
          localConcurrency: SLOTS,
          pollingIntervalSeconds: 0.5,
          burstWhenBatchFull: true
        }
        await boss.work('noop', options, async jobs => {
          for (const _ of jobs) handled()
        })
      },
      stop: () => boss.stop({ graceful: true, timeout: 2000 })
    }
  }
}
