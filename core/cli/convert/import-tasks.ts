import { counted } from '../../model/json/text.ts'
import { execFile } from 'node:child_process'
import { existsSync, lstatSync } from 'node:fs'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { convertCrontab } from './crontab.ts'
import { convertTimer } from './timer.ts'
import { lastOf, parseUnit } from './unit-file.ts'
import { loadConfig } from '../../load/config/config.ts'
import { directoriesOf } from '../../load/task/directories.ts'
import { homeOnly, homeOptions } from '../local/home.ts'
import { readUnit } from './read-unit.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { taskFile, writable } from './task-file.ts'
import { textOf } from '../input/json.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { userName } from '../remote/find-server.ts'
import { wordsFor } from '../../model/trigger.ts'
import type { Conversion, Converted, Remark } from './converted.ts'
import type { LocalOptions } from '../remote/options.ts'

export type ImportOptions = LocalOptions & { into?: string, system?: boolean, print?: boolean, replace?: boolean,
  json?: boolean }

const MODE = 0o755
const run = promisify(execFile)

async function crontabText (file: string | undefined): Promise<string> {
  if (file !== undefined) return await textOf(file)
  try {
    return (await run('crontab', ['-l'])).stdout
  } catch (error) {
    const { code, stderr } = error as { code?: unknown, stderr?: string }
    throw usageInvalid(code === 'ENOENT' ? 'This machine has no crontab program' : `crontab -l: ${stderr?.trim()}`,
      'Name a file: offpeak import crontab <file>.')
  }
}

interface Zones {
  zone: string
  tasks: string
}

async function fromCrontab (file: string | undefined, system: boolean, zones: Zones): Promise<Conversion> {
  const isSystem = system || (file !== undefined && /^\/etc\/(?:crontab$|cron\.d\/)/.test(resolve(file)))
  return convertCrontab({ text: await crontabText(file), system: isSystem, user: userName(), ...zones })
}

/** The timers that a folder has, or the one that is named. */
async function timersIn (file: string | undefined): Promise<string[]> {
  if (file?.endsWith('.timer')) {
    const timer = resolve(file)
    if (lstatSync(timer, { throwIfNoEntry: false }) === undefined) throw usageInvalid(`There is no file ${timer}`)
    return [timer]
  }
  const folder = resolve(file ?? join(homedir(), '.config/systemd/user'))
  const names = await readdir(folder).catch(() => {
    throw usageInvalid(`There is no folder ${folder}`, 'Name a timer, or a folder with timers.')
  })
  return names.filter(name => name.endsWith('.timer')).toSorted().map(name => join(folder, name))
}

/** A timer of which no task is made. A masked one never starts, so that nothing is lost. */
function without (name: string, message: string, masked: boolean): Conversion {
  const remark = { line: 0, text: name, message }
  return { tasks: [], refused: masked ? [] : [remark], notes: masked ? [remark] : [] }
}

async function fromTimer (file: string, zones: Zones): Promise<Conversion> {
  const own = basename(file)
  const name = basename(file, '.timer')
  const timer = await readUnit(file)
  if ('fault' in timer) return without(own, `it ${timer.fault}`, timer.masked)
  const unit = lastOf(parseUnit(timer.text), 'Timer', 'Unit') ?? `${name}.service`
  const service = await readUnit(join(dirname(file), unit))
  if ('fault' in service) return without(own, `its service ${unit} ${service.fault}`, service.masked)
  return convertTimer({ name, timer: timer.text, service: service.text, ...zones })
}

async function fromSystemd (file: string | undefined, zones: Zones): Promise<Conversion> {
  const all = await Promise.all((await timersIn(file)).map(one => fromTimer(one, zones)))
  return {
    tasks: all.flatMap(({ tasks }) => tasks),
    refused: all.flatMap(({ refused }) => refused),
    notes: all.flatMap(({ notes }) => notes)
  }
}

interface Written extends Converted {
  file: string
  /** False for a file that was there. */
  written: boolean
}

async function write (tasks: readonly Converted[], folder: string, replace: boolean): Promise<Written[]> {
  await mkdir(folder, { recursive: true })
  const done: Written[] = []
  for (const task of tasks) {
    const file = join(folder, `${task.name}.sh`)
    const written = replace || !existsSync(file)
    if (written) {
      await writeFile(file, taskFile(task), { mode: MODE })
      await chmod(file, MODE)
    }
    done.push({ ...task, file, written })
  }
  return done
}

function scheduleWords ({ fields }: Converted, zone: string): string {
  const { schedule, trigger = schedule, trigger_args: args, timezone = zone } = fields
  if (trigger === undefined) return 'when offpeak starts'
  return wordsFor({
    trigger: trigger as string,
    trigger_args: args as Record<string, unknown> | undefined,
    timezone: timezone as string
  })
}

const place = (line: number, text: string) => line === 0 ? text : `line ${line}: ${text.trim()}`

/** An entry of the report: the line of the source, and the lines to print about it. */
interface Entry {
  line: number
  lines: string[]
}

const taskEntry = (task: Written, zone: string): Entry => ({
  line: task.line,
  lines: [place(task.line, task.from), task.written
    ? `  ${relative('.', task.file)}: ${scheduleWords(task, zone)}`
    : `  not written: ${relative('.', task.file)} exists. --replace writes it again.`,
    ...task.remarks.map(remark => `  not kept: ${remark}`)]
})

const remarkEntry = (kind: string) => ({ line, text, message }: Remark): Entry => ({
  line,
  lines: [place(line, text), `  ${kind}: ${message}`]
})

/** The report: each line of the source with what became of it, in their order. */
function report (tasks: readonly Written[], { refused, notes }: Conversion, { tasks: zone }: Zones): string[] {
  const made = tasks.filter(({ written }) => written)
  const entries = [...tasks.map(task => taskEntry(task, zone)), ...notes.map(remarkEntry('not kept')),
    ...refused.map(remarkEntry('not imported'))]
  return [
    ...entries.toSorted((a, b) => a.line - b.line).flatMap(({ lines }) => lines),
    made.length === 0
      ? 'Nothing was imported.'
      : `${counted(made.length, 'task')} imported, disabled. Review each file, run \`offpeak enable ${
        made[0]!.name
      }\`, ` +
        'and remove its line from where it came: otherwise it runs twice.'
  ]
}

/** The folder of task files, and the zone of tasks without one. */
async function settingsOf (given: ImportOptions): Promise<{ folder: string, tasks: string }> {
  // What is only printed, or has its own folder, needs none of tasks.
  const isElsewhere = given.print || given.into !== undefined
  const { configFile, environment, env } = isElsewhere ? homeOptions(given) : homeOnly(given)
  const { config } = await loadConfig({ file: configFile!, environment, env: env ?? process.env })
  const root = dirname(configFile!)
  const folder = given.into === undefined ? directoriesOf(config, root)[0]!.path : resolve(root, given.into)
  return { folder, tasks: config.manager.timezone }
}

/** Makes disabled tasks of a crontab or of timers, and reports what could not be kept. */
export async function importTasks (kind: string, file: string | undefined, given: ImportOptions): Promise<void> {
  if (!['crontab', 'systemd'].includes(kind)) {
    throw usageInvalid(`'${kind}' cannot be imported`, 'Use crontab or systemd.')
  }
  const { folder, tasks } = await settingsOf(given)
  const zones = { zone: Temporal.Now.timeZoneId(), tasks }
  const found = writable(kind === 'crontab'
    ? await fromCrontab(file, given.system === true, zones)
    : await fromSystemd(file, zones))
  process.exitCode = found.refused.length > 0 ? 1 : 0
  if (given.print) return print(plain(found.tasks.map(taskFile).join('\n')))
  const written = await write(found.tasks, folder, given.replace === true)
  if (!given.json) return print(plain(report(written, found, zones).join('\n')))
  printJson({
    tasks: written.map(({ name: id, line, from, fields, remarks, file: path, written: isWritten }) => ({
      id,
      line,
      from,
      file: path,
      written: isWritten,
      fields,
      not_kept: remarks
    })),
    notes: found.notes,
    refused: found.refused
  })
}
