import { compileTrigger } from '../../model/trigger.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { numbered } from './command-name.ts'
import { onCalendar } from './on-calendar.ts'
import { execLine } from './exec-line.ts'
import { lastOf, parseUnit, spanSeconds } from './unit-file.ts'
import { quote } from './converted.ts'
import type { Conversion, Converted } from './converted.ts'
import type { Unit } from './unit-file.ts'

/** A timer and its service. `zone`: the zone of systemd. `tasks`: the zone of tasks without one. */
interface TimerAsk {
  name: string
  timer: string
  service: string
  zone: string
  tasks: string
}

type Fields = Record<string, unknown>

const KNOWN: Record<string, string[]> = {
  Timer: ['OnCalendar', 'OnUnitActiveSec', 'OnUnitInactiveSec', 'OnBootSec', 'OnStartupSec', 'OnActiveSec',
    'Persistent', 'RandomizedDelaySec', 'AccuracySec', 'Unit', 'RemainAfterElapse', 'FixedRandomDelay'],
  Service: ['ExecStart', 'ExecStartPre', 'ExecStartPost', 'Type', 'Environment', 'EnvironmentFile', 'WorkingDirectory',
    'TimeoutStartSec', 'TimeoutSec', 'RuntimeMaxSec', 'RemainAfterExit', 'StandardOutput', 'StandardError',
    'SyslogIdentifier'],
  Unit: ['Description', 'Documentation', 'ConditionACPower', 'After', 'Before', 'Wants'],
  Install: ['WantedBy', 'Also', 'RequiredBy', 'Alias']
}
const EVERY = ['OnUnitActiveSec', 'OnUnitInactiveSec']
const AT_START = ['OnBootSec', 'OnStartupSec', 'OnActiveSec']

/** The settings of a unit that a task does not have. */
const lost = (unit: Unit): string[] =>
  Object.entries(unit).flatMap(([section, keys]) =>
    Object.entries(keys).filter(([key]) => !KNOWN[section]?.includes(key)).map(([key, values]) =>
      `${key}=${values.join(' ')} of [${section}] has no counterpart`
    )
  )

function calendarFields (text: string, { zone, tasks }: TimerAsk): Fields | string {
  const found = onCalendar(text)
  if (found === null) return `OnCalendar=${text} cannot be expressed as a cron trigger`
  const timezone = found.timezone ?? zone
  const args = Object.fromEntries(
    Object.entries(found.args).filter(([name, value]) =>
      value !== '*' || ['month', 'day', 'hour', 'minute'].includes(name)
    )
  )
  try {
    compileTrigger({ trigger: 'cron', trigger_args: args, timezone }, 0)
  } catch (error) {
    if (error instanceof OffpeakError) return `OnCalendar=${text}: ${error.message}`
    throw error
  }
  return { trigger: 'cron', trigger_args: args, ...timezone !== tasks && { timezone } }
}

/** The triggers of a timer, as fields of a task, or why one cannot be kept. */
function triggersOf (timer: Unit, ask: TimerAsk): (Fields | string)[] {
  const calendars = timer.Timer?.OnCalendar?.map(text => calendarFields(text, ask)) ?? []
  const every = EVERY.map(key => lastOf(timer, 'Timer', key)).find(text => text !== undefined)
  const starts = AT_START.some(key => lastOf(timer, 'Timer', key) !== undefined)
  const seconds = every === undefined ? null : spanSeconds(every)
  if (every !== undefined && seconds === null) return [...calendars, `${every} is not a time span`]
  if (seconds !== null) {
    return [...calendars, { trigger: 'interval', trigger_args: { seconds }, ...starts && { run_on_start: true } }]
  }
  return starts ? [...calendars, { run_on_start: true }] : calendars
}

/** `Environment="A=b" C=d` as an object. */
const environmentOf = (unit: Unit): Record<string, string> =>
  Object.fromEntries(
    (unit.Service?.Environment ?? []).flatMap(text =>
      [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare!)
    ).filter(pair => pair.includes('=')).map(
      pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
    )
  )

function bodyOf (service: Unit): string | null {
  const folder = (lastOf(service, 'Service', 'WorkingDirectory') ?? '/').replace(/^-/, '')
  const files = (service.Service?.EnvironmentFile ?? []).map(file =>
    `set -a; ${file.startsWith('-') ? `[ ! -r ${quote(file.slice(1))} ] || ` : ''}. ${
      quote(file.replace(/^-/, ''))
    }; set +a`
  )
  const lines = ['ExecStartPre', 'ExecStart', 'ExecStartPost'].flatMap(key => service.Service?.[key] ?? []).map(
    execLine
  )
  if (lines.includes(null) || (service.Service?.ExecStart ?? []).length === 0) return null
  const place = folder === '~' || folder === '%h' ? '"$HOME"' : quote(folder)
  return [`cd ${place} || exit`, ...files, ...lines, ''].join('\n')
}

function commonFields (timer: Unit, service: Unit): Fields {
  const isPersistent = /^(?:yes|true|on|1)$/i.test(lastOf(timer, 'Timer', 'Persistent') ?? '')
  const delay = spanSeconds(lastOf(timer, 'Timer', 'RandomizedDelaySec') ?? '0')
  const limit = lastOf(service, 'Service', 'TimeoutStartSec') ?? lastOf(service, 'Service', 'TimeoutSec') ??
    lastOf(service, 'Service', 'RuntimeMaxSec') ?? 'infinity'
  const power = [timer, service].some(unit =>
    /^(?:yes|true|on|1)$/i.test(lastOf(unit, 'Unit', 'ConditionACPower') ?? '')
  )
  const env = environmentOf(service)
  return {
    ...delay !== null && delay > 0 && { 'trigger_args.jitter': Math.ceil(delay) },
    misfire: isPersistent ? 'run_latest' : 'skip',
    overlap: 'skip',
    max_retries: 0,
    timeout: spanSeconds(limit) ?? 0,
    ...power && { 'constraints.power': 'mains' },
    ...Object.keys(env).length > 0 && { env }
  }
}

const STARTS_LATER = 'it starts with offpeak, and then counts from its last fire, not from the boot'

/** Makes a task of each trigger of a timer. Pure. */
export function convertTimer (ask: TimerAsk): Conversion {
  const [timer, service] = [parseUnit(ask.timer), parseUnit(ask.service)]
  const refused = (message: string) => ({ line: 0, text: `${ask.name}.timer`, message })
  const body = bodyOf(service)
  if (body === null) {
    const lines = service.Service?.ExecStart ?? []
    const message = lines.length === 0
      ? 'its service has no ExecStart'
      : `${lines.join(' ')} cannot be expressed in a script`
    return { tasks: [], refused: [refused(message)], notes: [] }
  }
  const triggers = triggersOf(timer, ask)
  const common = commonFields(timer, service)
  const { 'trigger_args.jitter': _, ...rest } = common
  const kept = triggers.filter(trigger => typeof trigger !== 'string')
  const names = numbered(
    kept.map(() => ask.name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '_').replace(/^[._-]+/, ''))
  )
  const remarks = [...lost(timer), ...lost(service)]
  const tasks: Converted[] = kept.map((trigger, index) => ({
    name: names[index]!,
    line: 0,
    from: `${ask.name}.timer`,
    fields: { ...trigger, ...trigger.trigger === undefined ? rest : common },
    shell: '/bin/sh',
    body,
    remarks: [...remarks, ...trigger.run_on_start === undefined ? [] : [STARTS_LATER]]
  }))
  const faults = triggers.filter(trigger => typeof trigger === 'string').map(refused)
  return { tasks, refused: triggers.length === 0 ? [refused('it has no trigger')] : faults, notes: [] }
}
