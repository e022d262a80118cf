import type { QueueKind } from './queue.ts'
import { addRuns, product } from '../product.ts'
import { FULL } from './queue.ts'
import { PAYLOAD } from '../place.ts'

const TASK = 'noop'
const nothing = (): void => undefined

/** The whole product: desk, runner, gates, senses, history. Nothing starts before `work`. */
export const offpeak: QueueKind = {
  name: 'offpeak',
  packages: [],
  durability: FULL,
  async open ({ folder }) {
    let handled = nothing
    const manager = await product(folder, [{ id: TASK, func: () => handled() }])
    await manager.start()
    await manager.look()
    await manager.pauses.add({ scope: 'all', by: 'bench' })
    return {
      add: () => manager.desk.enqueue(TASK, { payload: PAYLOAD }),
      addMany: count => addRuns(manager, TASK, count),
      work: async notify => {
        handled = notify
        await manager.pauses.remove({ scope: 'all', name: null }, 'bench')
      },
      stop: () => manager.stop()
    }
  }
}
