import { join } from 'node:path'
import { once } from 'node:events'
import type { EventEmitter } from 'node:events'
import { load } from './packages.ts'

interface Bree extends EventEmitter {
  run(name: string): Promise<void>
  stop(): Promise<void>
}

const FILE = join(import.meta.dirname, '../apps/noop.js')

/** Runs one job by name, each time in a new thread. `pickup`: ms from asking for it to the word of its first line; the
 *  thread is gone afterwards. */
export async function breeJobs (): Promise<{ pickup(): Promise<number>, stop(): Promise<void> }> {
  const { default: Bree } = await load<{ default: new(options: object) => Bree }>('bree')
  let begun: (at: number) => void
  const bree = new Bree({
    root: false,
    logger: false,
    jobs: [{ name: 'noop', path: FILE }],
    workerMessageHandler: () => begun(performance.now())
  })
  const pickup = async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    begun = resolve
    const gone = once(bree, 'worker deleted')
    const asked = performance.now()
    await bree.run('noop')
    const at = await promise
    await gone
    return at - asked
  }
  return { pickup, stop: () => bree.stop() }
}
