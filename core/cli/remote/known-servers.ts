import { mkdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { configInvalid } from '../../model/errors/config-errors.ts'
import { SECOND } from '../../model/base/duration.ts'

type Env = NodeJS.ProcessEnv

/** A server on this machine: its configuration, its data folder, and where it was reached last. */
interface LastServer {
  config: string
  data: string
  url: string
}

/** A server with a name. `token_file`: read at each use. */
export interface Context {
  url: string
  token?: string
  token_file?: string
}

/** What the command line remembers for a user. `current`: the context of commands outside the folder of a server. */
interface KnownServers {
  last: LastServer | null
  current: string | null
  contexts: Record<string, Context>
}

/** The folder for state of this user: the one of the system, or as the XDG base directory specification says. */
function stateFolder ({ XDG_STATE_HOME: state, LOCALAPPDATA: local, HOME: home = homedir() }: Env): string {
  if (state?.startsWith(sep)) return state
  if (process.platform === 'win32' && local !== undefined) return local
  return process.platform === 'darwin'
    ? join(home, 'Library/Application Support')
    : join(home, '.local/state')
}

/** Where the servers of a user are remembered. */
const knownFile = (env: Env): string => join(stateFolder(env), 'offpeak', 'servers.json')

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown) => typeof value === 'string'
const isTextOrAbsent = (value: unknown) => value === undefined || isText(value)

/** The first part of the file that is not as it is written, with what it should be; null if there is none. */
function faultIn (known: unknown): { pointer: string, expected: string } | null {
  if (!isRecord(known)) return { pointer: '', expected: 'an object' }
  const { last = null, current = null, contexts = {} } = known
  if (last !== null && !(isRecord(last) && [last.config, last.data, last.url].every(isText))) {
    return { pointer: '/last', expected: '{ config, data, url }' }
  }
  if (current !== null && !isText(current)) return { pointer: '/current', expected: 'the name of a context' }
  if (!isRecord(contexts)) return { pointer: '/contexts', expected: 'an object' }
  const [name] =
    Object.entries(contexts).find(([, one]) =>
      !(isRecord(one) && isText(one.url) && isTextOrAbsent(one.token) && isTextOrAbsent(one.token_file))
    ) ?? []
  return name === undefined ? null : { pointer: `/contexts/${name}`, expected: '{ url, token or token_file }' }
}

const CURE = 'Correct it, or delete it: it is written again.'

/** The text of the file; null without one. Throws OFFPEAK_CONFIG_INVALID when other users may change it: it says where
 *  tokens are sent. */
async function readKnown (file: string): Promise<string | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') return null
    throw configInvalid({ file, message: `${file} is a folder`, fix: 'Remove it: it is written again.' })
  }
  const { refusedFor } = await import('../../load/file/exposures.ts')
  const exposed = await refusedFor(file)
  if (exposed !== null) throw configInvalid({ file, message: exposed.message, fix: exposed.fix })
  return text
}

/** The servers that are remembered; throws OFFPEAK_CONFIG_INVALID when their file cannot be used. */
export async function knownServers (env: Env): Promise<KnownServers> {
  const file = knownFile(env)
  const text = await readKnown(file)
  let known: unknown
  try {
    known = JSON.parse(text ?? '{}')
  } catch (cause) {
    throw configInvalid({ file, message: `${file} is not JSON: ${(cause as Error).message}`, fix: CURE })
  }
  const fault = faultIn(known)
  if (fault !== null) {
    const { pointer, expected } = fault
    throw configInvalid({ file, pointer, message: `${file}: ${pointer || 'it'} is not ${expected}`, fix: CURE })
  }
  const { last = null, current = null, contexts = {} } = known as Partial<KnownServers>
  return { last, current, contexts }
}

/** A lock that is older is that of a process which was killed, ms. */
const STALE = 5 * SECOND
const PATIENCE = 30 * SECOND

/** Takes a stale lock away: of all that try, one renames it. */
async function breakStale (lock: string): Promise<void> {
  const age = await stat(lock).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0)
  if (age <= STALE) return
  const taken = `${lock}.${process.pid}`
  await rename(lock, taken).then(() => rm(taken, { recursive: true, force: true }), () => undefined)
}

const isTaken = (error: NodeJS.ErrnoException): boolean => {
  if (error.code !== 'EEXIST') throw error
  return true
}

/** Calls `write` while no other process writes the file. */
async function alone (file: string, write: () => Promise<void>): Promise<void> {
  const lock = `${file}.lock`
  for (const begun = performance.now(); await mkdir(lock).then(() => false, isTaken);) {
    if (performance.now() - begun > PATIENCE) {
      throw configInvalid({ file, message: `${file} is being written by another command`, fix: `Remove ${lock}.` })
    }
    await breakStale(lock)
    await setTimeout(20)
  }
  try {
    await write()
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}

/** Changes what is remembered. Only the user can read it, as it may have tokens. Rejects with the error of `change`. */
export async function changeServers (change: (known: KnownServers) => KnownServers, env: Env): Promise<void> {
  const { makeFolder, writeAtomic } = await import('../../load/file/atomic-write.ts')
  const file = knownFile(env)
  await makeFolder(dirname(file))
  await alone(file, async () => {
    const text = `${JSON.stringify(change(await knownServers(env)), null, 2)}\n`
    await writeAtomic({ file, text, mode: 0o600 })
  })
}

const realOf = (path: string) => realpath(path).catch(() => path)

/** Remembers the server that was used last. A server in the temporary folder is not remembered: it is a test or a demo.
 *  What cannot be written is not remembered. */
export async function rememberLast (last: LastServer, env: Env): Promise<void> {
  try {
    if (`${await realOf(last.data)}${sep}`.startsWith(`${await realOf(tmpdir())}${sep}`)) return
    if (JSON.stringify((await knownServers(env)).last) === JSON.stringify(last)) return
    await changeServers(known => ({ ...known, last }), env)
  } catch {
    // The command has done its work.
  }
}
