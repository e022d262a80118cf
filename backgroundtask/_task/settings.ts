import type { Static, TObject } from 'typebox'
import { faultsOf } from '../../core/index.ts'
import type { TaskContext } from '../../core/index.ts'

/** The settings of a run: its payload, with defaults for missing members. */
export type Settings<S extends TObject, D> = Static<S> & Required<Pick<Static<S>, keyof D & keyof Static<S>>>

/** The section of config.json with the settings of these tasks. */
const SECTION = 'builtin'

const payloadOf = ({ task }: Pick<TaskContext, 'task'>): string => `${SECTION}.${task}.payload`

/** The key of a setting in config.json, for messages: `builtin.backup_data.payload.source`. */
export const keyOf = (ctx: Pick<TaskContext, 'task'>, name: string): string => `${payloadOf(ctx)}.${name}`

/** The payload merged with the defaults. Fails the run, naming the key, if it does not match the schema. */
export function settingsOf<S extends TObject, D extends Partial<Static<S>>> (
  ctx: TaskContext,
  schema: S,
  defaults: D
): Settings<S, D> {
  const settings = { ...defaults, ...(ctx.payload as object | null) }
  const [fault] = faultsOf(schema, settings)
  if (fault === undefined) return settings as Settings<S, D>
  return ctx.fail(`${payloadOf(ctx)}${fault.pointer.replaceAll('/', '.')} in config.json: ${fault.detail}`)
}

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** The code of a system error (`ENOENT`), or an empty string. */
export const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

const UNITS: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** The pattern of a size, such as `500`, `10 MB`, `1.5GB` or `512K`. 1 K is 1024 bytes. */
export const SIZE_PATTERN = '^\\s*\\d+(\\.\\d+)?\\s*([kKmMgGtT]?)([iI]?[bB])?\\s*$'

/** The bytes of a size, given as text or as a number. */
export function bytesOf (size: number | string): number {
  if (typeof size === 'number') return size
  const unit = size.match(SIZE_PATTERN)?.[2]?.toLowerCase() ?? ''
  return Math.floor(Number.parseFloat(size) * UNITS[unit]!)
}

/** A number of bytes for messages: `1.5 MB`. */
export function sizeWords (bytes: number): string {
  const step = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  const value = bytes / 1024 ** step
  return `${value >= 100 || step === 0 ? Math.round(value) : Math.round(value * 10) / 10} ${
    ['bytes', 'KB', 'MB', 'GB', 'TB'][step]
  }`
}
