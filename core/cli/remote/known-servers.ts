import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { configInvalid } from '../../model/errors/config-errors.ts'

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

/** The servers that are remembered; throws OFFPEAK_CONFIG_INVALID when their file is not JSON. */
export async function knownServers (env: Env): Promise<KnownServers> {
  const file = knownFile(env)
  const text = await readFile(file, 'utf8').catch(() => '{}')
  try {
    const { last = null, current = null, contexts = {} } = JSON.parse(text) as Partial<KnownServers>
    return { last: isRecord(last) ? last : null, current, contexts: isRecord(contexts) ? contexts : {} }
  } catch (cause) {
    throw configInvalid({
      file,
      message: `${file} is not JSON: ${(cause as Error).message}`,
      fix: 'Correct it, or delete it: it is written again.'
    })
  }
}

/** Replaces what is remembered. Only the user can read it, as it may have tokens. */
export async function rememberServers (known: KnownServers, env: Env): Promise<void> {
  const file = knownFile(env)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, `${JSON.stringify(known, null, 2)}\n`, { mode: 0o600 })
  await rename(draft, file)
}

const realOf = (path: string) => realpath(path).catch(() => path)

/** Remembers the server that was used last. A server in the temporary folder is not remembered: it is a test or a demo.
 *  What cannot be written is not remembered. */
export async function rememberLast (last: LastServer, env: Env): Promise<void> {
  try {
    if (`${await realOf(last.data)}${sep}`.startsWith(`${await realOf(tmpdir())}${sep}`)) return
    const known = await knownServers(env)
    if (JSON.stringify(known.last) === JSON.stringify(last)) return
    await rememberServers({ ...known, last }, env)
  } catch {
    // The command has done its work.
  }
}
