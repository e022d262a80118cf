import type { Static, TObject } from 'typebox'
import { faultsOf } from '../../core/index.ts'
import type { TaskContext } from '../../core/index.ts'

/** The settings of a run: what the payload says, and the default for what it leaves out. */
export type Settings<S extends TObject, D> = Static<S> & Required<Pick<Static<S>, keyof D & keyof Static<S>>>

/** The key of a setting in config.json, for sentences: `tasks.backup_data.payload.source`. */
export const keyOf = (ctx: Pick<TaskContext, 'task'>, name: string): string => `tasks.${ctx.task}.payload.${name}`

/** The checked payload over the defaults; a payload that does not fit fails the run with the key and the fault. */
export function settingsOf<S extends TObject, D extends Partial<Static<S>>> (
  ctx: TaskContext,
  schema: S,
  defaults: D
): Settings<S, D> {
  const settings = { ...defaults, ...(ctx.payload as object | null) }
  const [fault] = faultsOf(schema, settings)
  if (fault === undefined) return settings as Settings<S, D>
  return ctx.fail(`tasks.${ctx.task}.payload${fault.pointer.replaceAll('/', '.')} in config.json: ${fault.detail}`)
}

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** The code of a system error (`ENOENT`), or an empty text. */
export const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

const UNITS: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** The pattern of a size: bytes as a number in words, `10 MB`, `1.5GB`, `512K`; a unit is 1024 of the one below. */
export const SIZE_PATTERN = '^\\s*\\d+(\\.\\d+)?\\s*([kKmMgGtT]?)([iI]?[bB])?\\s*$'

/** Bytes of a size in words or as a number. */
export function bytesOf (size: number | string): number {
  if (typeof size === 'number') return size
  const unit = size.match(SIZE_PATTERN)?.[2]?.toLowerCase() ?? ''
  return Math.floor(Number.parseFloat(size) * UNITS[unit]!)
}

/** Bytes in words for people: `1.5 MB`. */
export function sizeWords (bytes: number): string {
  const step = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  const value = bytes / 1024 ** step
  return `${value >= 100 || step === 0 ? Math.round(value) : Math.round(value * 10) / 10} ${
    ['bytes', 'KB', 'MB', 'GB', 'TB'][step]
  }`
}
