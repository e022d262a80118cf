import type { LocalOptions, RemoteOptions } from '../remote/options.ts'
import type { TaskView } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { agoWords, timeWords, zonedWords } from '../terminal/time-words.ts'
import { comingFires } from '../../model/schedule/schedule.ts'
import { iso } from '../../model/base/clock.ts'
import { nextFires, wordsFor } from '../../model/trigger.ts'
import { isReadOtherwise } from '../../model/trigger/crontab.ts'
import { peekSchedules } from '../../engine/sqlite/file/peek-schedules.ts'
import { homeOptions } from './home.ts'
import { print, printJson, printNote } from '../terminal/output.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { withTasks } from './offline.ts'

interface Preview {
  words: string
  fires: string[]
  zone: string
}

const isCrontab = (text: string) => /\s/.test(text.trim()) || text.startsWith('@')

function previewText (trigger: string, count: number, timezone: string): Preview {
  const spec = { trigger, trigger_args: {}, timezone }
  return { words: wordsFor(spec), fires: nextFires({ ...spec, after: Date.now(), count }), zone: timezone }
}

async function previewTask (id: string, count: number, given: LocalOptions): Promise<Preview> {
  return await withTasks(homeOptions(given), ({ desk, folder, clock }) => {
    const task = desk.definition(id)
    const { trigger, trigger_args: args, timezone } = task
    const words = trigger === null ? 'on request' : wordsFor({ trigger, trigger_args: args, timezone })
    const fires = comingFires({
      schedules: peekSchedules(folder).filter(schedule => schedule.task === id),
      task,
      now: clock.now(),
      count
    })
    return { words, fires: fires.map(at => iso(at)!), zone: timezone }
  })
}

/** The largest count that the server answers. */
const MOST_ASKED = 100

/** The fires as the running server has planned them, with schedules and settings that are not in the files; null: no
 *  server answers. */
async function previewThere (id: string, count: number, given: RemoteOptions): Promise<Preview | null> {
  if (count > MOST_ASKED) return null
  try {
    const client = await Client.find(given)
    const path = `/api/tasks/${encodeURIComponent(id)}`
    const [{ trigger }, fires] = await Promise.all([
      client.get<TaskView>(path),
      client.get<string[]>(`${path}/next?count=${count}`)
    ])
    return { words: trigger?.words ?? 'on request', fires, zone: trigger?.timezone ?? localZone() }
  } catch (error) {
    if (error instanceof OffpeakError && error.code === 'OFFPEAK_SERVER_UNREACHABLE' && given.url === undefined) {
      return null
    }
    throw error
  }
}

const localZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone

/** An instant in the zone of the reader, and in that of the schedule if it is another. */
function fireWords (at: string, zone: string): string {
  const here = timeWords(at, 0)
  return `  ${here}  ${agoWords(at)}${zonedWords(at, zone, 0).slice(here.length).replace(' ', '  ')}`
}

export type PreviewOptions = RemoteOptions & { count: number, timezone?: string, json?: boolean }

/** Prints the next fires of a task, or of a crontab string. */
export async function preview (what: string, { count, timezone, json, ...given }: PreviewOptions): Promise<void> {
  if (timezone !== undefined && !isCrontab(what)) {
    throw usageInvalid('--timezone goes with a crontab string: a task has its own')
  }
  const { words, fires, zone } = isCrontab(what)
    ? previewText(what, count, timezone ?? localZone())
    : await previewThere(what, count, given) ?? await previewTask(what, count, given)
  if (json) return printJson({ words, fires })
  print(words)
  if (isCrontab(what) && isReadOtherwise(what)) {
    printNote('cron starts this line on days that match both day fields; `offpeak import crontab` keeps that.')
  }
  for (const at of fires) print(fireWords(at, zone))
}
