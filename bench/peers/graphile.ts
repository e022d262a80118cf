import type { QueueKind } from './queue.ts'
import { FULL } from './queue.ts'
import { PAYLOAD, SLOTS } from '../place.ts'
import { load } from './packages.ts'

interface Utils {
  migrate(): Promise<void>
  addJob(task: string, payload: object): Promise<unknown>
  addJobs(jobs: object[]): Promise<unknown>
  release(): Promise<void>
}
interface Graphile {
  makeWorkerUtils(options: object): Promise<Utils>
  run(options: object): Promise<{ stop(): Promise<void> }>
  Logger: new(factory: () => () => void) => object
}

/** Tuned as its guide advises for throughput: jobs are taken and completed in batches. */
export const graphile: QueueKind = {
  name: 'graphile-worker',
  packages: ['graphile-worker'],
  needs: 'postgres',
  durability: FULL,
  note: 'local queue of 500, completions in batches',
  async open ({ postgres }) {
    const { makeWorkerUtils, run, Logger } = await load<Graphile>('graphile-worker')
    const logger = new Logger(() => () => undefined)
    const utils = await makeWorkerUtils({ connectionString: postgres, maxPoolSize: 20, logger })
    await utils.migrate()
    let runner: { stop(): Promise<void> } | null = null
    return {
      add: () => utils.addJob('noop', PAYLOAD),
      addMany: count => utils.addJobs(Array.from({ length: count }, () => ({ identifier: 'noop', payload: PAYLOAD }))),
      work: async handled => {
        const preset = {
          worker: {
            connectionString: postgres!,
            concurrentJobs: SLOTS,
            maxPoolSize: 20,
            localQueue: { size: 500 },
            completeJobBatchDelay: 0,
            logger
          }
        }
        runner = await run({ preset, noHandleSignals: true, taskList: { noop: async () => handled() } })
      },
      stop: async () => {
        await runner?.stop()
        await utils.release()
      }
    }
  }
}
