import t from 'tap'
import { ActiveRuns } from '../../core/work/execute/active-runs.ts'
import { ProgressTracker } from '../../core/work/context/progress.ts'
import { RunLines } from '../../core/work/context/run-log.ts'
import { Stop } from '../../core/work/context/stop.ts'
import { fakeClock } from '../clock.ts'
import { taskOf } from '../task.ts'
import type { Active } from '../../core/work/execute/active-runs.ts'
import type { Claimed } from '../../core/engine/engine.ts'

const turnOf = (id: string, turn = 1): Active => ({
  run: { id, turn, queue: 'default', priority: 'normal', source: 'manual', due_at: 0 } as Claimed,
  task: taskOf(),
  lease: { id, turn },
  stop: new Stop(),
  lines: new RunLines(),
  progress: new ProgressTracker(fakeClock())
})

/** The number of slots taken and of active runs of the task. */
const counted = (runs: ActiveRuns) => [runs.taken, runs.byTask.get('work') ?? 0]

t.test('a run that ends twice frees one slot', async t => {
  const runs = new ActiveRuns()
  const [first, second] = [turnOf('a'), turnOf('b')]
  runs.add(first)
  runs.add(second)
  for (let time = 0; time < 3; time++) runs.delete(first)
  t.strictSame(counted(runs), [1, 1])
  for (let time = 0; time < 3; time++) runs.delete(second)
  t.strictSame(counted(runs), [0, 0])
  runs.add(turnOf('c'))
  t.strictSame(counted(runs), [1, 1])
})

t.test('the end of an earlier turn does not end a later turn of the same run', async t => {
  const runs = new ActiveRuns()
  const [first, second] = [turnOf('a', 1), turnOf('a', 2)]
  runs.add(first)
  runs.delete(first)
  runs.add(second)
  runs.rest(first)
  runs.delete(first)
  t.equal(runs.get('a'), second)
  t.strictSame(counted(runs), [1, 1])
})

t.test('a turn that begins before the previous one has ended replaces it', async t => {
  const runs = new ActiveRuns()
  const [first, second] = [turnOf('a', 1), turnOf('a', 2)]
  runs.add(first)
  runs.add(second)
  t.strictSame(counted(runs), [1, 1])
  runs.delete(first)
  t.equal(runs.get('a'), second)
  runs.delete(second)
  t.strictSame(counted(runs), [0, 0])
})

t.test('a resting run takes no slot, and an ended run frees none', async t => {
  const runs = new ActiveRuns()
  const run = turnOf('a')
  runs.add(run)
  runs.rest(run)
  runs.rest(run)
  t.strictSame(counted(runs), [0, 0])
  runs.resume(run)
  runs.resume(run)
  t.strictSame(counted(runs), [1, 1])
  runs.rest(run)
  runs.delete(run)
  runs.rest(run)
  runs.resume(run)
  t.strictSame(counted(runs), [0, 0])
})
