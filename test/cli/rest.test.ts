import { getHeapStatistics } from 'node:v8'
import t from 'tap'
import type { TaskManager } from '../../core/manager.ts'
import { trimHeap } from '../../core/cli/serve/heap-trim.ts'

const MIB = 2 ** 20
const size = () => getHeapStatistics().total_physical_size

/** Objects enough to make the heap grow, all of them let go. */
function litter (): number {
  const kept = Array.from({ length: 2_000_000 }, (_, index) => ({ index }))
  return kept.length
}

function setup ({ running = 0, nextIn = Infinity } = {}) {
  let now = 0
  let beat = () => undefined as void
  const runner = { active: { size: running } }
  const manager = {
    clock: { now: () => now, monotonic: () => now },
    runner,
    planner: { nextAt: nextIn },
    onBeat: (listener: () => void) => {
      beat = listener
      return () => {
        beat = () => undefined
      }
    }
  }
  const end = trimHeap(manager as unknown as TaskManager)
  return {
    runner,
    end,
    beatAt: (at: number) => {
      now = at
      beat()
    }
  }
}

t.test('memory of the start is returned when nothing runs', async t => {
  const { beatAt } = setup()
  litter()
  const before = size()
  beatAt(2000)
  t.ok(size() > before - MIB, 'not among the first requests')
  beatAt(4000)
  t.ok(size() < before - 10 * MIB, `${before} became ${size()}`)
})

t.test('memory of a burst of work is returned at most once a minute', async t => {
  const { beatAt } = setup()
  beatAt(4000)
  litter()
  const before = size()
  beatAt(30_000)
  t.ok(size() > before - MIB)
  beatAt(70_000)
  t.ok(size() < before - 10 * MIB, `${before} became ${size()}`)
})

t.test('memory is not returned while runs are running or due', async t => {
  const running = setup({ running: 1 })
  const due = setup({ nextIn: 4500 })
  const ended = setup()
  ended.end()
  litter()
  const before = size()
  for (const { beatAt } of [running, due, ended]) beatAt(4000)
  t.ok(size() > before - MIB)
  running.runner.active.size = 0
  running.beatAt(4500)
  t.ok(size() < before - 10 * MIB)
})
