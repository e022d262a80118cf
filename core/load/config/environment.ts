import { readFile } from 'node:fs/promises'
import type { TSchema } from 'typebox'
import { pointerOf } from '../../model/base/check.ts'
import { nearest } from '../../model/base/nearest.ts'
import { ConfigFileSchema } from '../../model/config/config.ts'
import { configInvalid } from '../../model/errors/config-errors.ts'
import { FORBIDDEN_KEYS } from '../file/jsonc.ts'

type Env = Readonly<Record<string, string | undefined>>
type Node = { type?: string, properties?: Record<string, Node>, patternProperties?: Record<string, Node> }

const ALIASES: Record<string, string[]> = {
  OFFPEAK_HOST: ['server', 'host'],
  OFFPEAK_PORT: ['server', 'port'],
  OFFPEAK_DATA: ['engine', 'folder'],
  OFFPEAK_LOG_LEVEL: ['log', 'level']
}

const LONG = /^OFFPEAK_([A-Z0-9]+(?:_[A-Z0-9]+)*__.+)$/

/** The settings from the environment, and the variable of each. */
export interface Environment {
  value: Record<string, unknown>
  names: Map<string, string>
}

function schemaAt (path: readonly string[]): Node | undefined {
  let node: Node | undefined = ConfigFileSchema as TSchema as Node
  for (const key of path) node = node?.properties?.[key] ?? Object.values(node?.patternProperties ?? {})[0]
  return node
}

const longPath = (name: string): string[] | null => LONG.exec(name)?.[1]?.toLowerCase().split('__') ?? null

const pathFor = (name: string): string[] | null => ALIASES[name] ?? longPath(name)

function parsed (text: string, schema: Node | undefined): unknown {
  try {
    const value: unknown = JSON.parse(text)
    // A string setting such as a folder named 2024 stays a string.
    return schema?.type === 'string' && typeof value !== 'string' ? text : value
  } catch {
    return text
  }
}

function checkPath (name: string, path: string[]): void {
  const known = Object.keys((ConfigFileSchema as TSchema as Node).properties ?? {})
  const fault = (message: string, fix?: string) =>
    configInvalid({ file: name, pointer: pointerOf(path), message, ...(fix && { fix }) })
  if (path.some(key => key === '' || FORBIDDEN_KEYS.includes(key))) throw fault(`The variable ${name} names no setting`)
  if (known.includes(path[0]!)) return
  const near = nearest(path[0]!, known)
  throw fault(`The variable ${name} names the unknown section '${path[0]}'`,
    near === null ? undefined : `Did you mean '${near}'?`)
}

function put (target: Record<string, unknown>, path: string[], value: unknown): void {
  let inner = target
  for (const key of path.slice(0, -1)) {
    if (typeof inner[key] !== 'object' || inner[key] === null) inner[key] = {}
    inner = inner[key] as Record<string, unknown>
  }
  inner[path.at(-1)!] = value
}

async function fileValue (name: string, file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw configInvalid({
      file: name,
      message: `The variable ${name} names ${file}, which cannot be read`,
      fix: 'Name a file that offpeak may read.',
      cause
    })
  }
}

/** The setting of a variable: `OFFPEAK_SERVER__TOKEN_FILE` is `server.token_file`, `OFFPEAK_PORT_FILE` is the
 *  port from a file. */
function settingOf (name: string): { path: string[], fromFile: boolean } | null {
  const own = pathFor(name)
  if (own && (!name.endsWith('_FILE') || schemaAt(own) !== undefined)) return { path: own, fromFile: false }
  const path = name.endsWith('_FILE') ? pathFor(name.slice(0, -'_FILE'.length)) : null
  return path && { path, fromFile: true }
}

/** Reads OFFPEAK_<SECTION>__<KEY>, the short names and their _FILE forms. Values are JSON where they parse, else text.
 *  Throws OFFPEAK_CONFIG_INVALID naming the variable. */
export async function readEnvironment (env: Env): Promise<Environment> {
  const value: Record<string, unknown> = {}
  const names = new Map<string, string>()
  // The short names come first, so that long names override them.
  const ordered = Object.keys(env).filter(name => env[name] !== undefined && name.startsWith('OFFPEAK_'))
    .toSorted((a, b) => Number(LONG.test(a)) - Number(LONG.test(b)) || (a < b ? -1 : 1))
  for (const name of ordered) {
    const setting = settingOf(name)
    if (setting === null) continue
    checkPath(name, setting.path)
    if (setting.fromFile && env[name.slice(0, -'_FILE'.length)] !== undefined) {
      throw configInvalid({
        file: name,
        message: `${name} and ${name.slice(0, -'_FILE'.length)} are both set`,
        fix: 'Give one of the two.'
      })
    }
    const text = setting.fromFile ? await fileValue(name, env[name]!) : env[name]!
    put(value, setting.path, parsed(text, schemaAt(setting.path)))
    names.set(pointerOf(setting.path), name)
  }
  return { value, names }
}
