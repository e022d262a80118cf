import { chmod, lstat, readdir, stat } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { exposed, exposures, ownAccount, quoted } from './load/file/exposures.ts'
import { isBuiltIn } from './model/task/built-in.ts'
import { isWithin } from './load/file/responds.ts'
import { changedBy, othersWords, seenBy } from './load/file/modes.ts'
import { startRefused } from './model/errors/config-errors.ts'
import { tokenFile } from './token.ts'
import { tokensFault, tokensFile } from './tokens.ts'
import type { Account } from './load/file/modes.ts'
import type { Config } from './model/config/config.ts'
import type { Listener } from './model/notice.ts'
import type { Settings } from './work/upkeep/settings.ts'
import type { Task } from './model/task/task.ts'

/** A security finding: what is wrong, and how to fix it. */
interface Finding {
  subject: 'root' | 'config' | 'tasks' | 'data' | 'token'
  message: string
  fix: string | null
}

interface SecurityOptions {
  settings: Settings
  folder: () => string
  directories: () => readonly string[]
  /** The file of the source of a task. */
  fileOf: (source: string) => string
  tasks: () => ReadonlyMap<string, Task>
  notice: Listener
  env: Readonly<Record<string, string | undefined>>
  account?: Account | null
}

/** Names of files that offpeak creates in its data folder. A folder that contains one of them is its own. */
const MADE = ['offpeak.db', 'lock.db', 'token', 'tokens.json', 'server.json', 'imports.json', 'importing.json',
  'ended.json', 'owners.json']
const OTHERS = 0o007
const PATIENCE = 2000
const GROUP_WRITE = 0o020

/** True where root is often the only user. */
export const isContained = (exists = existsSync, env = process.env): boolean =>
  exists('/.dockerenv') || exists('/run/.containerenv') || env.container !== undefined ||
  env.KUBERNETES_SERVICE_HOST !== undefined

/** The finding that offpeak runs as root; null when it does not, or when that is accepted. */
export function rootFinding (
  account: Account | null,
  { security }: Pick<Config, 'security'>,
  contained: boolean
): Finding | null {
  if (account?.uid !== 0 || security.accept_root !== null) return null
  const message = contained
    ? 'offpeak runs as root in this container, and so does every task'
    : 'offpeak runs as root, and so does every task'
  const fix = contained
    ? 'Name a user in the image or for the pod (USER, runAsUser), or say in security.accept_root why it is root.'
    : 'Start it as a user of its own (User= in its systemd unit), or say in security.accept_root why it is root.'
  return { subject: 'root', message, fix }
}

/** A mode without access for others. Read access of the group alone is kept, because it was set on purpose. */
const narrowed = (mode: number, account: Account, gid: number) =>
  (mode & OTHERS) !== 0 ? mode & 0o700 : mode & ~(gid === account.gid ? 0 : GROUP_WRITE) & 0o7777

/** Checks who may read or change files that name or contain code or secrets. */
export class Security {
  readonly #options: SecurityOptions
  readonly #account: Account | null
  #findings: Finding[] = []
  readonly #reported = new Set<string>()

  constructor (options: SecurityOptions) {
    this.#options = options
    this.#account = options.account === undefined ? ownAccount() : options.account
  }

  get findings (): readonly Finding[] {
    return this.#findings
  }

  /** Repairs the modes of files that offpeak has created. Throws OFFPEAK_START_REFUSED when others could replace the
   *  token. */
  async secure (): Promise<void> {
    if (this.#account === null) return
    await this.#refuseToken(this.#account)
    await this.#repair(this.#account)
    await this.lookSoon()
  }

  /** Checks the files, with a time limit for file systems that do not answer. */
  async lookSoon (): Promise<void> {
    await isWithin(PATIENCE, this.look())
  }

  /** Checks again and reports new findings. Never rejects. */
  async look (): Promise<void> {
    if (this.#account === null) return
    const found = await Promise.all([this.#root(this.#account), this.#files(), this.#code(), this.#data(this.#account),
      this.#token(this.#account), this.#tokens()])
    this.#findings = found.flat()
    const here = new Set(this.#findings.map(({ message }) => message))
    for (const known of this.#reported) if (!here.has(known)) this.#reported.delete(known)
    for (const finding of this.#findings) this.#say(finding)
  }

  #say ({ subject, message, fix }: Finding): void {
    if (this.#reported.has(message)) return
    this.#reported.add(message)
    this.#options.notice({ kind: 'insecure', subject, message, fix })
  }

  get #tokenFile (): string | null {
    const { settings: { root, config: { server } }, folder, env } = this.#options
    return tokenFile({ folder: folder(), root, server, env })
  }

  async #refuseToken (account: Account): Promise<void> {
    const file = this.#tokenFile
    if (file === null || this.#options.settings.config.security.accept_loose_files !== null) return
    const found = (await exposures(file, account)).find(({ weight, kind, by }) =>
      weight === 'refused' && kind !== 'folder' && by.by === 'user'
    )
    if (found) {
      throw startRefused({
        file,
        pointer: '/server/token_file',
        message: `${found.message}: the token in it may be known to them`,
        fix: found.fix
      })
    }
  }

  /** The data folder is offpeak's own when offpeak has created it or files in it. */
  async #repair (account: Account): Promise<void> {
    const folder = this.#options.folder()
    const names = await readdir(folder).catch(() => [])
    if (names.length > 0 && !names.some(name => MADE.includes(name))) return
    for (const path of [folder, ...names.map(name => join(folder, name))]) await this.#narrow(path, account)
  }

  async #narrow (path: string, account: Account): Promise<void> {
    const stats = await lstat(path).catch(() => null)
    if (stats === null || stats.isSymbolicLink() || stats.uid !== account.uid) return
    const mode = narrowed(stats.mode, account, stats.gid)
    if (mode === (stats.mode & 0o7777)) return
    const done = await chmod(path, mode).then(() => true, () => false)
    if (!done) return
    const message = `${path} could be ${(stats.mode & 0o022) === 0 ? 'read' : 'changed'} by others: its mode ${
      octal(stats.mode)
    } is now ${octal(mode)}`
    const fix = path === this.#tokenFile
      ? 'Somebody may know the token: remove the file and start again, which makes another.'
      : path === tokensFile(this.#options.folder()) && (stats.mode & 0o022) !== 0
      ? 'Somebody may have added a token: revoke those of `offpeak token list` that you have not made.'
      : null
    this.#options.notice({ kind: 'insecure', subject: 'data', message, fix })
  }

  async #root (account: Account): Promise<Finding[]> {
    const found = rootFinding(account, this.#options.settings.config, isContained())
    return found === null ? [] : [found]
  }

  async #files (): Promise<Finding[]> {
    const found = await Promise.all(this.#options.settings.files.map(file => exposures(file, this.#account)))
    return found.flat().map(({ message, fix }) => ({ subject: 'config' as const, message, fix }))
  }

  /** Refused files are listed among the broken files. */
  async #code (): Promise<Finding[]> {
    const { directories, fileOf, tasks, settings } = this.#options
    const sources = [...tasks().values()].map(({ source }) => source)
    const files = new Set(sources.filter(source => source !== 'code' && !isBuiltIn(source)))
    const found = (await Promise.all(directories().map(path => exposures(path, this.#account)))).flat()
    for (const file of files) found.push(...await this.#own(fileOf(file)))
    const isAccepted = settings.config.security.accept_loose_files !== null
    return found.filter(({ weight }) => weight === 'warned' || isAccepted).map(({ message, fix }) => ({
      subject: 'tasks' as const,
      message,
      fix
    }))
  }

  async #own (path: string) {
    const stats = await stat(path).catch(() => null)
    const found = stats && changedBy(stats, this.#account)
    return found ? [await exposed({ path, at: path, found, kind: 'end' }, this.#account!)] : []
  }

  async #data (account: Account): Promise<Finding[]> {
    const found = await exposures(this.#options.folder(), account)
    return found.map(({ message, fix }) => ({ subject: 'data' as const, message, fix }))
  }

  async #token (account: Account): Promise<Finding[]> {
    const file = this.#tokenFile
    const stats = file === null ? null : await stat(file).catch(() => null)
    const found = stats && seenBy(stats, account)
    return found
      ? [{
        subject: 'token',
        message: `The token in ${file!} can be read by ${othersWords(found)}`,
        fix: `Run: chmod 600 ${quoted(file!)}`
      }]
      : []
  }

  /** Named tokens are ignored while their file is at fault. */
  async #tokens (): Promise<Finding[]> {
    const { settings, folder } = this.#options
    const found = tokensFault({
      folder: folder(),
      loose: settings.config.security.accept_loose_files !== null,
      account: this.#account
    })
    return found === null ? [] : [{ subject: 'token', message: found.message, fix: found.fix ?? null }]
  }
}

const octal = (mode: number) => (mode & 0o7777).toString(8).padStart(4, '0')

/** Throws OFFPEAK_START_REFUSED when others can change a plugin, whose code this process executes. The owner of
 *  offpeak's own code may change plugins. */
export async function refuseLoosePlugins (
  folder: string,
  names: readonly string[],
  account = ownAccount()
): Promise<void> {
  const { uid } = await stat(import.meta.filename)
  for (const path of [folder, ...names.map(name => join(folder, name))]) {
    const found = (await exposures(path, account)).find(({ weight, by }) =>
      weight === 'refused' && !(by.by === 'user' && by.uid === uid)
    )
    if (found) throw startRefused({ file: path, message: `${found.message}: the plugin is not loaded`, fix: found.fix })
  }
}
