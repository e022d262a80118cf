import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Local } from './options.ts'
import type { Place } from '../model/errors.ts'
import { EX_CONFIG, say, sayJson } from './say.ts'
import { OffpeakError, placeWords, usageInvalid } from '../model/errors.ts'
import { readDocument } from '../load/jsonc.ts'
import { agoWords, timeWords } from './words.ts'
import { compileTrigger, nextFires, wordsFor } from '../model/trigger.ts'
import { pointerOf } from '../model/check.ts'
import { local, managerOptions, whole } from './options.ts'
import { withTasks } from './offline.ts'

type Fault = Place & { code: string, message: string, fix?: string | undefined }

/** Where each pointer was written, as far as the file can be read. */
async function placesIn (file: string | undefined): Promise<(pointer: string) => Place> {
  try {
    const document = readDocument(await readFile(file!, 'utf8'), file!)
    return pointer => document.placeOf(pointer)
  } catch {
    return () => ({ file })
  }
}

async function faultsOf ({ code, message, fix, place, errors = [] }: OffpeakError): Promise<Fault[]> {
  if (errors.length < 2) return [{ code, message, fix, ...place }]
  const placeOf = await placesIn(place.file)
  return errors.map(({ pointer, detail }) => ({ ...placeOf(pointer), code, message: detail, ...pointer !== '' && { pointer } }))
}

async function faultsIn (given: Local): Promise<{ faults: Fault[], tasks: number, code: number }> {
  try {
    return await withTasks(managerOptions(given), ({ catalog, settings }) => {
      const unknown = Object.keys(settings.config.tasks).filter(id => !catalog.tasks.has(id))
      const faults = [
        ...catalog.broken,
        ...unknown.map(id => ({
          ...settings.placeOf(pointerOf(['tasks', id])), code: 'OFFPEAK_TASK_NOT_FOUND', message: `No task has the id '${id}'`, fix: 'Remove the section, or put the task file back.'
        }))
      ]
      return { faults, tasks: catalog.tasks.size, code: faults.length > 0 ? 1 : 0 }
    })
  } catch (error) {
    if (error instanceof OffpeakError) return { faults: await faultsOf(error), tasks: 0, code: error.code === 'OFFPEAK_CONFIG_INVALID' ? EX_CONFIG : 1 }
    throw error
  }
}

async function validate (given: Local & { json?: boolean }): Promise<void> {
  const { faults, tasks, code } = await faultsIn(given)
  process.exitCode = code
  if (given.json) return sayJson({ ok: faults.length === 0, tasks, faults })
  for (const { message, fix, ...place } of faults) say(`${placeWords(place) || 'configuration'}: ${message}${fix === undefined ? '' : `\n  ${fix}`}`)
  say(faults.length === 0 ? `The configuration and ${tasks} task${tasks === 1 ? '' : 's'} are in order.` : `${faults.length} fault${faults.length === 1 ? '' : 's'} found.`)
}

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

type PreviewGiven = Local & { count: number, timezone?: string, json?: boolean }

async function preview (what: string, { count, timezone, json, ...given }: PreviewGiven): Promise<void> {
  if (timezone !== undefined && !isCrontab(what)) throw usageInvalid('--timezone goes with a crontab string: a task has its own')
  const zone = timezone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone
  const { words, fires } = isCrontab(what) ? previewText(what, count, zone) : await previewTask(what, count, given)
  if (json) return sayJson({ words, fires })
  say(words)
  for (const at of fires) say(`  ${timeWords(at, 0)}  ${agoWords(at)}`)
}

/** `validate` and `preview`: what can be known without a server. */
export function addChecks (program: Command): void {
  local(program.command('validate').description('check the configuration and every task file; exit code 78 or 1 when something is wrong'))
    .option('--json', 'answer in JSON')
    .action(validate)
  local(program.command('preview <task>').description('the next fires of a task, or of a crontab string'))
    .option('--count <count>', 'how many', whole('--count', 1, 1000), 5)
    .option('--timezone <zone>', 'the zone of the crontab string; your own when absent')
    .option('--json', 'answer in JSON')
    .action(preview)
}
