import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { isHistogram } from '../../model/machine/activity.ts'
import type { Histogram } from '../../model/machine/activity.ts'
import type { LocalOptions } from '../remote/options.ts'
import type { Point } from '../../model/machine/history.ts'
import type { StatsView } from '../../work/desk/statistics.ts'
import type { TaskManager } from '../../manager.ts'
import { Client } from '../remote/client.ts'
import { DAY } from '../../model/base/duration.ts'
import { iso } from '../../model/base/clock.ts'
import { History } from '../../sense/history.ts'
import { createSqliteEngine } from '../../engine/sqlite/keeper.ts'

/** What past runs show: the median duration by task, ms, and how busy the machine is by hour. */
interface TaskHistory {
  took: Record<string, number>
  activity?: Histogram
}

const RECENT = 50
const PAST = 30 * DAY

async function fromStore ({ catalog, folder }: TaskManager): Promise<TaskHistory> {
  const engine = createSqliteEngine({ folder, ballastBytes: 0 })
  await engine.start()
  try {
    const took: TaskHistory['took'] = {}
    for (const task of catalog.tasks.keys()) {
      const { items } = await engine.list({ task, state: ['completed'], limit: RECENT })
      const times = items.map(run => run.finished_at! - run.started_at!).toSorted((a, b) => a - b)
      if (times.length > 0) took[task] = times[times.length >> 1]!
    }
    const [fact] = await engine.kept({ prefix: 'activity' })
    const activity = fact?.value
    return { took, ...isHistogram(activity) && { activity } }
  } finally {
    await engine.stop()
  }
}

/** The history from the server that uses the folder; it has no `activity`. */
async function fromServer (given: LocalOptions): Promise<TaskHistory> {
  const client = await Client.find(given)
  const { items } = await client.get<{ items: StatsView[] }>(`/api/stats?from=${iso(Date.now() - PAST)}`)
  return {
    took: Object.fromEntries(items.flatMap(({ name, run: { p50 } }) => p50 === null ? [] : [[name, p50 * 1000]]))
  }
}

/** The history of a data folder. It is read from the store or, while a server uses the folder, from that server; empty
 *  when both fail. */
export async function taskHistory (manager: TaskManager, given: LocalOptions): Promise<TaskHistory> {
  if (!existsSync(join(manager.folder, 'offpeak.db'))) return { took: {} }
  return await fromStore(manager).catch(() => fromServer(given)).catch(() => ({ took: {} }))
}

/** The recorded readings of a time range, from a data folder. A copy is read: a server may be writing the file. */
export async function recordedReadings (folder: string, { from, to }: { from: number, to: number }): Promise<Point[]> {
  const file = join(folder, 'readings.jsonl')
  if (!existsSync(file)) return []
  const copy = await mkdtemp(join(tmpdir(), 'offpeak-readings-'))
  try {
    await copyFile(file, join(copy, 'readings.jsonl'))
    const history = new History({ folder: copy })
    await history.load(Date.now())
    const points = history.query({ from, to })
    await history.stop()
    return points
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
