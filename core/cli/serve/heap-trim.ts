import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { TaskManager } from '../../manager.ts'
import { MINUTE, SECOND } from '../../model/base/duration.ts'

const MIB = 2 ** 20
/** The first collection comes after the first requests. */
const FIRST = 3 * SECOND
const GROWN = 16 * MIB
/** A collection takes about a millisecond per MiB: larger heaps would delay requests. */
const LARGE = 200 * MIB

function collector (): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (ask: object) => void
  setFlagsFromString('--no-expose-gc')
  // The flavor that also returns the memory of the young generation.
  return () => collect({ type: 'major', flavor: 'last-resort' })
}

/** Returns memory to the system while nothing runs and nothing is due: V8 would keep the memory of the start and of
 *  bursts of work. Returns a function that stops it. */
export function trimHeap (
  { clock, runner, planner, onBeat }: Pick<TaskManager, 'clock' | 'runner' | 'planner' | 'onBeat'>
): () => void {
  const collect = collector()
  let kept = 0
  let next = clock.monotonic() + FIRST
  const isBusy = () => runner.active.size > 0 || (planner.nextAt ?? Infinity) < clock.now() + SECOND
  return onBeat(() => {
    if (clock.monotonic() < next || isBusy()) return
    next = clock.monotonic() + MINUTE
    const { total_physical_size: size, used_heap_size: used } = getHeapStatistics()
    if (size < kept + GROWN || used > LARGE) return
    collect()
    kept = getHeapStatistics().total_physical_size
  })
}
