import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathOf, pointerOf } from '../../model/base/check.ts'
import type { Config, ConfigFile } from '../../model/config/config.ts'
import { configFaults, configOf, overlay } from '../../model/config/config.ts'
import { expiryFaults } from '../../model/config/sense-faults.ts'
import type { Place } from '../../model/errors/errors.ts'
import { configExposed, configInvalid } from '../../model/errors/config-errors.ts'
import type { Environment } from './environment.ts'
import { readEnvironment } from './environment.ts'
import { refusedFor } from '../file/exposures.ts'
import type { Document } from '../file/jsonc.ts'
import { readDocument, refusal } from '../file/jsonc.ts'
import { MOST_BYTES, readRegular } from '../file/regular.ts'

/** The sources of the configuration. */
export interface ConfigAsk {
  /** The path of config.json; it need not exist. */
  file: string
  /** Selects the overlay: `production` is config.production.json. Default: OFFPEAK_ENV. */
  environment?: string | undefined
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Settings in code, which the files override. */
  base?: ConfigFile | undefined
  /** `required`: a file that others may change is refused. Commands that only send requests to a server do not require
   *  it. */
  trust?: 'required' | undefined
}

/** The file of an environment. `others`: the environments that have a file. */
interface Overlay {
  name: string
  file: string
  exists: boolean
  others: string[]
}

/** The configuration in force and where it came from. */
export interface LoadedConfig {
  config: Config
  /** The entity tag of the bytes of config.json, quoted as in HTTP. */
  etag: string
  /** Changes when any source of the configuration changes. */
  digest: string
  /** The files that were read, absolute. */
  files: string[]
  /** The overlay of the environment; null without an environment. */
  overlay: Overlay | null
  sources: {
    /** The place of a setting: a file with its line, or an environment variable. Null for a default. */
    lineOf(pointer: string): Place | null
  }
}

const hex = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')

/** The entity tag of a configuration file. A missing file has the tag of an empty one. */
export const etagOf = (bytes: Buffer | string): string => `"${hex(bytes).slice(0, 16)}"`

const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

/** Why a file cannot be read: the code of the system, or that it is no file. */
const unreadable = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'it is not a file'

/** The bytes of a configuration file, or null if it does not exist. Throws OFFPEAK_CONFIG_INVALID if it is too large or
 *  unreadable. */
export async function readBytes (file: string): Promise<Buffer | null> {
  try {
    const read = await readRegular(file, MOST_BYTES)
    if (typeof read !== 'number') return read
    throw configInvalid({
      file,
      message: `${file} has ${read} bytes, expected at most ${MOST_BYTES}`,
      fix: 'Keep data out of the configuration.'
    })
  } catch (error) {
    if (isMissing(error)) return null
    if (error instanceof Error && 'statusCode' in error) throw error
    throw configInvalid({
      file,
      message: `${file} cannot be read: ${unreadable(error)}`,
      fix: 'Make it a file that offpeak may read.',
      cause: error
    })
  }
}

/** The path of the overlay of config.json, or null without an environment. */
export function overlayFile ({ file, environment, env = {} }: ConfigAsk): string | null {
  const name = environment ?? env.OFFPEAK_ENV
  if (!name) return null
  if (!/^[\w-]{1,64}$/.test(name)) {
    throw configInvalid({
      message: `'${name.slice(0, 64)}' is not a valid name of an environment`,
      fix: 'Use letters, digits, _ and -.'
    })
  }
  const end = extname(file)
  return join(dirname(file), `${basename(file, end)}.${name}${end}`)
}

/** The environments that have a file beside config.json. */
async function environmentsOf (file: string): Promise<string[]> {
  const end = extname(file)
  const start = `${basename(file, end)}.`
  const names = await readdir(dirname(file)).catch(() => [])
  return names.filter(name => name.startsWith(start) && name.endsWith(end)).map(name =>
    name.slice(start.length, -end.length || undefined)
  ).filter(name => /^[\w-]+$/.test(name))
}

async function overlayOf (ask: ConfigAsk, file: string | null, exists: boolean): Promise<Overlay | null> {
  if (file === null) return null
  const name = ask.environment ?? ask.env?.OFFPEAK_ENV ?? ''
  return { name, file, exists, others: exists ? [] : await environmentsOf(ask.file) }
}

/** Reads and checks the text of one configuration file; throws OFFPEAK_CONFIG_INVALID with every fault. */
export function readChecked (text: string, file: string): Document {
  const document = readDocument(text, file)
  const faults = configFaults(document.value)
  if (faults.length > 0) throw refusal({ what: file, faults, placeOf: pointer => document.placeOf(pointer) })
  return document
}

function checkEnvironment ({ value, names }: Environment): void {
  const faults = configFaults(value)
  const nameOf = (pointer: string) =>
    [...names].find(([own]) => pointer.startsWith(own) || own.startsWith(pointer))?.[1]
  if (faults.length > 0) {
    throw refusal({
      what: `The variable ${nameOf(faults[0]!.pointer)}`,
      faults,
      placeOf: pointer => ({ file: nameOf(pointer) })
    })
  }
}

function checkBase (base: ConfigFile | undefined): void {
  const faults = base === undefined ? [] : configFaults(base)
  if (faults.length > 0) throw refusal({ what: 'The configuration given in code', faults, placeOf: () => ({}) })
}

/** Throws OFFPEAK_CONFIG_EXPOSED if others may change or replace the file, because it names code that is executed. */
async function refuseExposed (files: readonly string[]): Promise<void> {
  for (const file of files) {
    const found = await refusedFor(file)
    if (found !== null) throw configExposed({ file, message: found.message, fix: found.fix })
  }
}

/** Accepting exposed files is itself accepted only from sources that other users cannot change. */
const isAccepted = (value: Record<string, unknown>, base: ConfigFile | undefined): boolean =>
  typeof ((overlay(base ?? {}, value) as ConfigFile).security?.accept_loose_files) === 'string'

const above = (pointer: string) =>
  pathOf(pointer).map((_, index, path) => pointerOf(path.slice(0, path.length - index)))

/** The configuration in force: defaults, config.json, the overlay of the environment, then its variables; later ones
 *  override earlier ones. Throws OFFPEAK_CONFIG_INVALID with file, line, column, pointer and every fault,
 *  OFFPEAK_CONFIG_EXPOSED. */
export async function loadConfig (ask: ConfigAsk): Promise<LoadedConfig> {
  checkBase(ask.base)
  const file = resolve(ask.file)
  const layered = overlayFile({ ...ask, file })
  const files = [file, ...(layered === null ? [] : [layered])]
  const environment = await readEnvironment(ask.env ?? {})
  checkEnvironment(environment)
  if (ask.trust === 'required' && !isAccepted(environment.value, ask.base)) await refuseExposed(files)
  const bytes = await Promise.all(files.map(readBytes))
  const documents = files.flatMap((path, index) =>
    bytes[index] ? [readChecked(bytes[index].toString('utf8'), path)] : []
  )
  const merged = [...documents.map(({ value }) => value), environment.value].reduce(overlay,
    ask.base ?? {}) as ConfigFile
  const lineOf = (pointer: string) => {
    const name = above(pointer).map(own => environment.names.get(own)).find(Boolean)
    if (name !== undefined) return { file: name, pointer }
    const document = documents.findLast(({ has }) => has(pointer))
    return document ? { ...document.placeOf(pointer), pointer } : null
  }
  const config = configOf(merged, Temporal.Now.timeZoneId())
  const faults = expiryFaults(config)
  if (faults.length > 0) throw refusal({ what: files.join(' and '), faults, placeOf: pointer => lineOf(pointer) ?? {} })
  return {
    config,
    etag: etagOf(bytes[0] ?? ''),
    digest: hex(JSON.stringify([...bytes.map(part => part && hex(part)), environment.value, ask.base])),
    files: files.filter((_, index) => bytes[index]),
    overlay: await overlayOf({ ...ask, file }, layered, Boolean(bytes[1])),
    sources: { lineOf }
  }
}
