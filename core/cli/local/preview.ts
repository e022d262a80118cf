import type { LocalOptions } from '../remote/options.ts'
import { agoWords, timeWords } from '../terminal/time-words.ts'
import { comingFires } from '../../model/schedule/schedule.ts'
import { iso } from '../../model/base/clock.ts'
import { nextFires, wordsFor } from '../../model/trigger.ts'
import { peekSchedules } from '../../engine/sqlite/file/peek-schedules.ts'
import { managerOptions } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { withTasks } from './offline.ts'

interface Preview {
  words: string
  fires: string[]
}

const isCrontab = (text: string) => /\s/.test(text.trim()) || text.startsWith('@')

function previewText (trigger: string, count: number, timezone: string): Preview {
  const spec = { trigger, trigger_args: {}, timezone }
  return { words: wordsFor(spec), fires: nextFires({ ...spec, after: Date.now(), count }) }
}

async function previewTask (id: string, count: number, given: LocalOptions): Promise<Preview> {
  return await withTasks(managerOptions(given), ({ desk, folder, clock }) => {
    const task = desk.definition(id)
    const { trigger, trigger_args: args, timezone } = task
    const words = trigger === null ? 'on request' : wordsFor({ trigger, trigger_args: args, timezone })
    const fires = comingFires({
      schedules: peekSchedules(folder).filter(schedule => schedule.task === id),
      task,
      now: clock.now(),
      count
    })
    return { words, fires: fires.map(at => iso(at)!) }
  })
}

export type PreviewOptions = LocalOptions & { count: number, timezone?: string, json?: boolean }

/** Prints the next fires of a task, or of a crontab string. */
export async function preview (what: string, { count, timezone, json, ...given }: PreviewOptions): Promise<void> {
  if (timezone !== undefined && !isCrontab(what)) {
    throw usageInvalid('--timezone goes with a crontab string: a task has its own')
  }
  const zone = timezone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone
  const { words, fires } = isCrontab(what) ? previewText(what, count, zone) : await previewTask(what, count, given)
  if (json) return printJson({ words, fires })
  print(words)
  for (const at of fires) print(`  ${timeWords(at, 0)}  ${agoWords(at)}`)
}
