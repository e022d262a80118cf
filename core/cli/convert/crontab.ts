import { basename } from 'node:path'
import { OffpeakError } from '../../model/errors/errors.ts'
import { commandName, numbered } from './command-name.ts'
import { WEEKDAYS } from '../../model/trigger/field.ts'
import { compileTrigger } from '../../model/trigger.ts'
import { crontabFields } from '../../model/trigger/crontab.ts'
import { quote } from './converted.ts'
import type { Field } from '../../model/trigger/field.ts'
import type { Conversion, Converted, Remark } from './converted.ts'

/** `system`: each line names a user after its schedule, as /etc/crontab. `zone`: the zone of cron. `tasks`: the zone of
 *  tasks without one. */
interface CrontabAsk {
  text: string
  system: boolean
  user: string
  zone: string
  tasks: string
}

type Env = Record<string, string>

const SETTING = /^\s*(["']?)([A-Za-z_]\w*)\1\s*=\s*(.*?)\s*$/
const SHELLS = ['sh', 'bash', 'dash', 'ash', 'ksh', 'zsh']
const OWN = ['MAILTO', 'MAILFROM', 'CONTENT_TYPE', 'CONTENT_TRANSFER_ENCODING', 'CRON_TZ', 'RANDOM_DELAY', 'SHELL',
  'LOGNAME', 'USER', 'START_HOURS_RANGE']

const SPELLED: Record<string, string> = { '@every_minute': '* * * * *' }

const unquoted = (text: string): string => /^(["']).*\1$/.exec(text) === null ? text : text.slice(1, -1)

/** What is lost of a setting; null if nothing is. */
function lossOf (name: string, value: string): string | null {
  if (name === 'MAILTO' && value !== '') {
    return `output is not mailed to ${value}: the log of each run keeps it (offpeak logs)`
  }
  if (['MAILFROM', 'CONTENT_TYPE', 'CONTENT_TRANSFER_ENCODING'].includes(name)) return 'output is not mailed'
  if (name === 'LOGNAME' || name === 'USER') return 'tasks run as the user of offpeak'
  if (name === 'START_HOURS_RANGE') return 'it is a setting of anacron'
  return name === 'TZ' ? 'it is the zone of the commands; cron reads that of the schedules from CRON_TZ' : null
}

/** The command and its input: what follows the first `%` that no backslash precedes; later ones are line ends. Null: it
 *  has none. */
function withInput (text: string): { command: string, input: string | null } {
  const [command, ...lines] = text.split(/(?<!\\)%/).map(part => part.replaceAll('\\%', '%'))
  const input = lines.join('\n').replace(/\n$/, '')
  return { command: command!.trim(), input: input === '' ? null : input }
}

const END = 'END_OF_INPUT'

function bodyOf (shell: string, { command, input }: { command: string, input: string | null }): string {
  const isPosix = SHELLS.includes(basename(shell))
  const own = isPosix ? command : `${quote(shell)} -c ${quote(command)}`
  const fed = input === null ? own : `{\n${own}\n} <<'${END}'\n${input}\n${END}`
  return `cd "$HOME" || exit\n${fed}\n`
}

interface Entry {
  schedule: string
  rest: string
}

/** The schedule of a line and what follows it; null if it has too few fields. */
function entryOf (line: string): Entry | null {
  const [, alias, after] = /^\s*(@[\w-]+)\s+(.*)$/.exec(line) ?? []
  if (alias !== undefined) return { schedule: SPELLED[alias.toLowerCase()] ?? alias.toLowerCase(), rest: after! }
  // A minus before the minute keeps cron from logging.
  const [, fields, rest] = /^\s*-?((?:\S+\s+){5})(.*)$/.exec(line) ?? []
  return fields === undefined ? null : { schedule: fields.trim().replaceAll(/\s+/g, ' '), rest: rest! }
}

const BOUNDS = [[0, 59], [0, 23], [1, 31], [1, 12], [0, 7]] as const

/** A part of a field whose step is larger than its range, as its first value, which is what cron takes. */
function withoutLongStep (part: string, [least, most]: readonly [number, number]): string {
  const [, from, step] = /^(\*|\w+(?:-\w+)?)\/(\d+)$/.exec(part) ?? []
  if (step === undefined || Number(step) <= most - least) return part
  return from === '*' ? String(least) : from!.split('-')[0]!
}

const withoutLongSteps = (field: string, bounds: readonly [number, number]): string =>
  field.split(',').map(part => withoutLongStep(part, bounds)).join(',')

/** The parts of the fields that cron reads otherwise than they look, or not at all. */
function stepRemarks (schedule: string): string[] {
  const fields = schedule.split(' ')
  if (fields.length !== 5) return []
  return fields.flatMap((field, index) => {
    const bounds = BOUNDS[index]!
    return field.split(',').flatMap(part => {
      const first = withoutLongStep(part, bounds)
      if (first !== part) return [`${part} is ${first} alone, as in cron: its step is larger than its range`]
      return /^\w+\/\d+$/.test(part)
        ? [
          `${part} is ${part.replace('/', `-${bounds[1]}/`)} here; cronie refuses it, other crons take its first value`
        ]
        : []
    })
  })
}

const valuesOf = ({ parts }: Field): number[] =>
  [...new Set(parts.flatMap(({ first, last, step }) => {
    const values = []
    for (let value = first; value <= last; value += step) values.push(value)
    return values
  }))].toSorted((a, b) => a - b)

/** The schedule as fields of a task that fires at the same minutes. If a field of days begins with a star, cron starts
 *  on days that match both fields, otherwise on days that match either. */
function scheduleFields (schedule: string): Record<string, unknown> {
  const given = schedule.split(' ')
  if (given.length !== 5) return { schedule }
  const words = given.map((word, index) => withoutLongSteps(word, BOUNDS[index]!))
  const [minute, hour, day, month, weekday] = words as [string, string, string, string, string]
  const isBoth = day !== '*' && weekday !== '*' && (given[2]!.startsWith('*') || given[4]!.startsWith('*'))
  if (!isBoth) return { schedule: words.join(' ') }
  const fields = crontabFields(words, '/trigger')
  // Fields of a task take no step beside a range of one value, nor beside names.
  const spelled = (name: 'minute' | 'hour' | 'month', word: string) =>
    /\w\//.test(word) ? valuesOf(fields[name]).join(',') : word
  return {
    trigger: 'cron',
    trigger_args: {
      minute: spelled('minute', minute),
      hour: spelled('hour', hour),
      month: spelled('month', month),
      day: valuesOf(fields.day).join(','),
      day_of_week: valuesOf(fields.day_of_week).map(value => WEEKDAYS[value]).join(',')
    }
  }
}

/** Why a schedule cannot be used; null if it can. */
function scheduleFault (schedule: string, timezone: string): string | null {
  try {
    const { schedule: trigger, ...fields } = scheduleFields(schedule)
    compileTrigger({ trigger: trigger as string, ...fields, timezone }, 0)
    return null
  } catch (error) {
    if (error instanceof OffpeakError) return error.message
    throw error
  }
}

interface LineAsk {
  line: number
  text: string
  env: Env
  ask: CrontabAsk
}

const HEADER = /^\s*(?:#|\/\/)\s*offpeak:/m

/** The zone of schedules; an empty CRON_TZ is as none. */
const zoneOf = ({ CRON_TZ = '' }: Env, { zone }: CrontabAsk): string => CRON_TZ === '' ? zone : CRON_TZ

function fieldsOf (schedule: string, env: Env, ask: CrontabAsk): Record<string, unknown> {
  const zone = zoneOf(env, ask)
  const delay = Number(env.RANDOM_DELAY ?? 0) * 60
  const kept = Object.entries(env).filter(([name]) => !OWN.includes(name))
  return {
    ...schedule === '@reboot' ? { run_on_start: true } : scheduleFields(schedule),
    ...schedule !== '@reboot' && zone !== ask.tasks && { timezone: zone },
    ...delay > 0 && schedule !== '@reboot' && { 'trigger_args.jitter': delay },
    // As cron does: missed fires are not made up for, runs may overlap, and nothing is repeated or timed out.
    misfire: 'skip',
    overlap: 'allow',
    max_retries: 0,
    timeout: 0,
    ...kept.length > 0 && { env: Object.fromEntries(kept) }
  }
}

function taskOf ({ line, text, env, ask }: LineAsk): Converted | Remark {
  const refused = (message: string): Remark => ({ line, text, message })
  const entry = entryOf(text)
  if (entry === null) return refused('expected five fields, or a word such as @daily, and a command')
  const [, user, command] = ask.system ? /^(\S+)\s+(.*)$/.exec(entry.rest) ?? [] : [null, ask.user, entry.rest]
  if (user === undefined || command!.trim() === '') return refused('it has no command')
  const { schedule } = entry
  const isQuiet = /^-n\s+/.test(command!)
  const fault = schedule === '@reboot' ? null : scheduleFault(schedule, zoneOf(env, ask))
  if (fault !== null) return refused(fault)
  const parts = withInput(command!.replace(/^-n\s+/, ''))
  if (parts.input !== null && (HEADER.test(parts.input) || parts.input.split('\n').includes(END))) {
    return refused('its input would be read as a part of the script')
  }
  const given = env.SHELL ?? '/bin/sh'
  return {
    name: commandName(parts.command, `cron_line_${line}`),
    line,
    from: text.trim(),
    fields: fieldsOf(schedule, env, ask),
    shell: SHELLS.includes(basename(given)) ? given : '/bin/sh',
    body: bodyOf(given, parts),
    remarks: [
      ...stepRemarks(schedule),
      schedule === '@reboot' ? 'it starts whenever offpeak starts, not only when the machine does' : '',
      user === ask.user ? '' : `it runs as ${ask.user}, the user of offpeak, not as ${user}`,
      isQuiet ? 'output is not mailed, neither on failure (-n)' : '',
      !ask.system && /^root\s/.test(command!) ? "the command begins with 'root': --system reads it as a user" : ''
    ].filter(Boolean)
  }
}

/** Makes a task of each line of a crontab, as cronie reads it: settings apply to the lines below them. Pure. */
export function convertCrontab (ask: CrontabAsk): Conversion {
  const found: Conversion = { tasks: [], refused: [], notes: [] }
  let env: Env = {}
  for (const [index, text] of ask.text.split(/\r?\n/).entries()) {
    const line = index + 1
    if (/^\s*(?:#|$)/.test(text)) continue
    const [, , name, value] = SETTING.exec(text) ?? []
    if (name !== undefined) {
      env = { ...env, [name]: unquoted(value!) }
      const message = lossOf(name, env[name]!)
      if (message !== null) found.notes.push({ line, text, message })
      continue
    }
    const made = taskOf({ line, text, env, ask })
    if ('fields' in made) found.tasks.push(made)
    else found.refused.push(made)
  }
  const names = numbered(found.tasks.map(task => task.name))
  return { ...found, tasks: found.tasks.map((task, index) => ({ ...task, name: names[index]! })) }
}
