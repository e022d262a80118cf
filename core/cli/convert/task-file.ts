import type { Converted } from './converted.ts'

const ORDER = [['schedule', 'trigger', 'run_on_start', 'enabled'], ['timezone', 'trigger_args', 'trigger_args.jitter'],
  ['misfire', 'overlap', 'max_retries', 'timeout', 'constraints.power'], ['env']]

const valueOf = (value: unknown): string => typeof value === 'object' ? JSON.stringify(value) : String(value)

/** The text of a script with its header. Without review it stays disabled. */
export function taskFile ({ from, fields, shell, body }: Converted): string {
  const all: Record<string, unknown> = { ...fields, enabled: false }
  const lines = ORDER.map(names =>
    names.filter(name => all[name] !== undefined).map(name => `${name} = ${valueOf(all[name])}`).join(' ; ')
  ).filter(Boolean)
  const origin = from.split('\n').map(line => `# Imported: ${line}`)
  return [`#!${shell}`, ...origin, ...lines.map(line => `# offpeak: ${line}`), body].join('\n')
}
