import type { Soak } from './soak.ts'
import { addRuns, counted, furnish, start, until } from './server.ts'
import { withFolder } from '../place.ts'

const TASKS = `export const TASK_DEFINITIONS = [
  { id: 'waiting', concurrency: 10, func: () => 1 },
  { id: 'due', concurrency: 10, func: () => 1 }
]
`
const AHEAD_MS = 20_000

interface Found {
  waiting: number
  together: number
  p999: number
  longest: number
  kept: number
  readyMs: number
}

const results = ({ waiting, together, p999, longest, kept, readyMs }: Found): Awaited<ReturnType<Soak>> => [
  {
    group: 'due',
    name: `${together} due at one second, ${waiting} queued: loop p99.9`,
    unit: 'ms',
    value: p999,
    target: { of: 'value', most: 50 },
    note: `longest ${longest.toFixed(0)} ms`
  },
  {
    group: 'due',
    name: 'ready after kill -9',
    unit: 'ms',
    value: readyMs,
    target: { of: 'value', most: 3000 },
    note: `${kept} queued`
  },
  {
    group: 'due',
    name: 'queued runs that are missing',
    unit: '',
    value: waiting - kept,
    target: { of: 'value', most: 0 }
  }
]

/** Many queued runs, and as many due in one second: the delay of the event loop while they start, then kill -9 and the
 *  next start. */
export const due: Soak = ({ small }) =>
  withFolder(async folder => {
    furnish(folder, { 'work.js': TASKS })
    const [waiting, together] = small ? [500, 250] : [100_000, 50_000]
    const first = await start(folder)
    let p999 = 0
    let longest = 0
    try {
      await first.call('POST', '/api/pauses', { scope: 'task', name: 'waiting' })
      await addRuns(first, 'waiting', waiting)
      await addRuns(first, 'due', together, new Date(Date.now() + (small ? 1000 : AHEAD_MS)).toISOString())
      await first.figures()
      await until('all that is due has run', async () => await counted(first, 'due', 'completed') === together)
      ;({ p999, longest } = await first.figures())
    } finally {
      await first.kill()
    }
    const second = await start(folder)
    try {
      const kept = await counted(second, 'waiting', 'queued')
      return results({ waiting, together, p999, longest, kept, readyMs: second.readyMs })
    } finally {
      await second.stop()
    }
  })
