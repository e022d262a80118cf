import type { Local } from './options.ts'
import { agoWords, timeWords } from './words.ts'
import { compileTrigger, nextFires, wordsFor } from '../model/trigger.ts'
import { managerOptions } from './options.ts'
import { say, sayJson } from './say.ts'
import { usageInvalid } from '../model/errors.ts'
import { withTasks } from './offline.ts'

interface Preview { words: string, fires: string[] }

const isCrontab = (text: string) => /\s/.test(text.trim()) || text.startsWith('@')

function previewText (trigger: string, count: number, timezone: string): Preview {
  const spec = { trigger, trigger_args: {}, timezone }
  return { words: wordsFor(spec), fires: nextFires({ ...spec, after: Date.now(), count }) }
}

async function previewTask (id: string, count: number, given: Local): Promise<Preview> {
  return await withTasks(managerOptions(given), ({ desk }) => {
    const { trigger, trigger_args: args, timezone } = desk.definition(id)
    if (trigger === null) return { words: 'on request', fires: [] }
    compileTrigger({ trigger, trigger_args: args, timezone }, Date.now())
    return { words: wordsFor({ trigger, trigger_args: args, timezone }), fires: nextFires({ trigger, trigger_args: args, timezone, after: Date.now(), count }) }
  })
}

export type PreviewGiven = Local & { count: number, timezone?: string, json?: boolean }

/** Prints the next fires of a task, or of a crontab string. */
export async function preview (what: string, { count, timezone, json, ...given }: PreviewGiven): Promise<void> {
  if (timezone !== undefined && !isCrontab(what)) throw usageInvalid('--timezone goes with a crontab string: a task has its own')
  const zone = timezone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone
  const { words, fires } = isCrontab(what) ? previewText(what, count, zone) : await previewTask(what, count, given)
  if (json) return sayJson({ words, fires })
  say(words)
  for (const at of fires) say(`  ${timeWords(at, 0)}  ${agoWords(at)}`)
}
