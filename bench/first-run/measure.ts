import { spawn } from '../../test/child.ts'
import { once } from 'node:events'
import { globSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** The steps of a stranger: everything is on the disk, a server answers, a task has run. */
export const STEPS = ['installed', 'answers', 'ran'] as const
export type Step = typeof STEPS[number]

/** One try. A step that was not reached is null, and `note` says why. */
export interface Measured {
  seconds: Record<Step, number | null>
  /** Bytes that came over the network: what npm has cached, and what was cloned or handed over. */
  downloaded: number
  /** Bytes of all files in the folder afterwards. */
  installed: number
  packages: number
  note: string
}

const LONG_MS = 10 * 60_000

/** The bytes of all files below a folder; those of links are not counted. */
export const bytesIn = (folder: string): number =>
  globSync('**/*', { cwd: folder, withFileTypes: true }).filter(entry => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)

const packagesIn = (folder: string): number =>
  globSync(['**/node_modules/*/package.json', '**/node_modules/@*/*/package.json'], { cwd: folder }).length

/** An empty folder of somebody who has nothing but Node, npm and git: no cache, no settings. */
export class Place {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly #cache: string
  readonly #begun = performance.now()
  readonly #seconds: Record<Step, number | null> = { installed: null, answers: null, ran: null }
  /** Bytes that came without npm. */
  given = 0

  constructor (parent: string) {
    this.folder = join(parent, 'app')
    this.#cache = join(parent, 'cache')
    for (const name of ['app', 'home']) mkdirSync(join(parent, name))
    const { PATH = '' } = process.env
    this.env = {
      // How this machine reaches the registry stays.
      ...process.env,
      npm_config_userconfig: join(homedir(), '.npmrc'),
      PATH: `${dirname(process.execPath)}${delimiter}${PATH}`,
      HOME: join(parent, 'home'),
      PM2_HOME: join(parent, 'home/pm2'),
      npm_config_cache: this.#cache,
      npm_config_fund: 'false',
      npm_config_audit: 'false',
      npm_config_update_notifier: 'false'
    }
  }

  /** Notes that a step is reached now. */
  reach (step: Step): void {
    this.#seconds[step] = (performance.now() - this.#begun) / 1000
  }

  /** Runs a program to its end. Rejects with what it printed when it fails. */
  async run (program: string, ...words: string[]): Promise<void> {
    const child = spawn(program, words, { cwd: this.folder, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output = `${output}${chunk}`.slice(-4000)
      })
    }
    const [code] = await once(child, 'close') as [number | null]
    if (code !== 0) throw new Error(`${program} ${words.join(' ')} ended with ${code}: ${output.trim()}`)
  }

  /** Starts a server, and resolves when it has printed its address and answers there. */
  async serve (program: string, ...words: string[]): Promise<{ stop: () => Promise<void> }> {
    const child = spawn(program, words, { cwd: this.folder, env: this.env, stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk
    })
    const over = once(child, 'close')
    const address = () => /answers at (http:\S+)/.exec(output)?.[1]
    await this.until(() => address() !== undefined || child.exitCode !== null)
    const url = address()
    if (url === undefined) throw new Error(`${program} did not start: ${output}`)
    await this.until(() => fetch(`${url}/livez`).then(({ ok }) => ok, () => false))
    return {
      stop: async () => {
        child.kill('SIGTERM')
        await over
      }
    }
  }

  /** Resolves when the condition holds. */
  async until (condition: () => boolean | Promise<boolean>): Promise<void> {
    const end = performance.now() + LONG_MS
    while (!await condition()) {
      if (performance.now() > end) throw new Error(`not within ${LONG_MS / 1000} s`)
      await pause(20)
    }
  }

  measured (note: string): Measured {
    const cached = bytesIn(join(this.#cache, '_cacache/content-v2'))
    return {
      seconds: this.#seconds,
      downloaded: this.given + cached,
      installed: bytesIn(this.folder),
      packages: packagesIn(this.folder),
      note
    }
  }
}
