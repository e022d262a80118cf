import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { join } from 'node:path'
import type { OffpeakError } from '../../../model/errors/errors.ts'
import { engineFailed, engineTaken } from '../../../model/errors/engine-errors.ts'
import { SECOND } from '../../../model/base/duration.ts'
import { answerQuestion } from './admit.ts'
import { releaseBallast, reserveBallast } from './ballast.ts'
import { openFailed } from './open.ts'
import { quarantine } from './quarantine.ts'
import { sqliteErrorKind } from './sqlite-errors.ts'
import { StoreFiles } from '../integrity/store-files.ts'
import type { FileFinding } from '../integrity/store-files.ts'
import { describeHolder, readHolder, writeHolder } from './holder.ts'
import type { Holder } from './holder.ts'
import type { Lock } from './lock.ts'
import { scrub } from '../integrity/scrub.ts'

const EVERY_MS = 5 * SECOND
const LOOK_MS = SECOND
const GLANCE_MS = 1

interface GuardOptions {
  folder: string
  clock: () => number
  ballastBytes: number
  db: DatabaseSync
  lock: Pick<Lock, 'keep' | 'identity'>
  holder: Holder
  /** True: the file was checked when it was opened. */
  unclean: boolean
  /** Called once with each problem that is found. */
  found: (error: unknown) => void
}

/** Watches an open store: its files must be those that the next start will read, must contain what was written, and no
 *  other process may take the store over. */
export class Guard {
  /** The store cannot be trusted: every call fails with this error. */
  lost: OffpeakError | null = null
  /** The file is damaged: writes fail with this error, reads are tried. */
  damaged: OffpeakError | null = null
  /** The store cannot be written at the moment: writes fail with this error. */
  blocked: OffpeakError | null = null
  readonly #options: GuardOptions
  readonly #ballast: string
  readonly #files: StoreFiles
  readonly #version: StatementSync
  /** Changes when another connection writes. */
  #seen: number
  #checked: number
  #scrubbing: Promise<void> = Promise.resolve()
  /** Until it settles, no write is acknowledged. */
  #doubted: Promise<void> | null = null
  #doubts = 0
  #glanced = -Infinity
  /** A check after the last of several acknowledgements, so that the next check includes their changes. */
  #later: NodeJS.Timeout | undefined
  readonly #timer: NodeJS.Timeout
  readonly #first: NodeJS.Timeout | undefined

  constructor (options: GuardOptions) {
    const { folder, ballastBytes, db } = this.#options = options
    this.#ballast = join(folder, 'ballast')
    this.#files = new StoreFiles(join(folder, 'offpeak.db'))
    this.#version = db.prepare('pragma data_version')
    this.#seen = this.#dataVersion()
    this.#checked = performance.now()
    reserveBallast(this.#ballast, ballastBytes)
    // An idle store is watched as well.
    this.#timer = setInterval(() => this.inspect(), LOOK_MS).unref()
    // A start after a clean stop did not check the file.
    if (!options.unclean) this.#first = setTimeout(() => void this.#scrub(), LOOK_MS).unref()
  }

  /** Ends the watch. */
  async stop (): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#first)
    clearTimeout(this.#later)
    await this.#scrubbing
  }

  /** Closes the files that were watched, once the database is closed. */
  close (): void {
    this.#files.close()
  }

  get #fatal (): OffpeakError | null {
    return this.lost ?? this.damaged ?? this.blocked
  }

  /** Throws when nothing may be written. Checks the files first when a busy event loop has delayed the timer. */
  check (): void {
    if (performance.now() - this.#checked >= EVERY_MS) this.inspect()
    this.#refuse()
  }

  /** Throws when another process has taken the store over. Called in each transaction, which is then rolled back. */
  fence (): void {
    const version = this.#dataVersion()
    if (version === this.#seen) return
    const holder = readHolder(this.#options.db)
    if (holder?.id !== this.#options.holder.id) {
      throw this.#lose(engineTaken(holder === null ? 'a process that has stopped since' : describeHolder(holder)))
    }
    this.#seen = version
  }

  #dataVersion (): number {
    return (this.#version.get() as { data_version: number }).data_version
  }

  /** Throws when written data is no longer in the files. Returns a promise when the whole file has to be checked for
   *  that. Calls that come together share one check. */
  confirm (): Promise<void> | undefined {
    if (performance.now() - this.#glanced >= GLANCE_MS) this.#glance()
    else this.#later ??= setTimeout(() => this.#glance(), GLANCE_MS).unref()
    if (this.#doubted) return this.#doubted.then(() => this.#refuse())
    this.#refuse()
    return undefined
  }

  #glance (): void {
    clearTimeout(this.#later)
    this.#later = undefined
    this.#glanced = performance.now()
    if (!this.lost) this.#take(this.#files.quickCheck())
  }

  #refuse (): void {
    if (this.#fatal) throw this.#fatal
  }

  /** Checks the files, the lock and the holder. Never throws. */
  inspect (): void {
    this.#checked = performance.now()
    this.#glanced = -Infinity
    if (this.lost || this.#options.db.isTransaction) return
    try {
      const found = this.#files.fullCheck()
      if (found === null) this.blocked = null
      this.#take(found)
      if (this.lost) return
      this.#keepFolder()
      this.fence()
    } catch (error) {
      if (!this.lost) this.#noted(error)
    }
  }

  #keepFolder (): void {
    const { folder, ballastBytes, lock, holder, db } = this.#options
    answerQuestion(folder)
    if (this.#fatal) return
    reserveBallast(this.#ballast, ballastBytes)
    if (!lock.keep()) return
    writeHolder(db, Object.assign(holder, { lock: lock.identity }))
    this.#options.found(engineFailed({
      message: `The lock of ${folder} was removed or replaced while it was in use; it is locked again`,
      fix: 'Do not remove lock.db and lock.json: the lock is released when offpeak stops, even after a crash.'
    }))
  }

  #take (found: FileFinding | null): void {
    if (found === null || this.lost) return
    const { folder, clock } = this.#options
    const { kind, words: message } = found
    if (kind === 'foreign') return this.#doubt()
    if (kind === 'moved') {
      this.#lose(engineFailed({ message, fix: 'Stop, put the file and its -wal file back, and start again.' }))
    } else if (kind === 'damaged') this.#noted(Object.assign(new Error(message), { errcode: 11 }))
    else if (kind === 'cut') {
      const place = quarantine(folder, clock())
      this.#lose(engineFailed({
        message: `${message}: the last acknowledged changes may be missing; a copy of the files is in ${place}`,
        fix: 'Stop, replace offpeak.db with the newest good backup or keep it, and start again.'
      }))
    } else this.#block(engineFailed({ message, fix: 'Make the folder and its files writable for this user.' }))
  }

  /** Checks the whole file, and again when it is written meanwhile. */
  #doubt (): void {
    this.#doubts += 1
    this.#doubted ??= this.#settleDoubts()
  }

  async #settleDoubts (): Promise<void> {
    while (this.#doubts > 0) {
      this.#doubts = 0
      await this.#scrub()
    }
    this.#doubted = null
  }

  #scrub (): Promise<void> {
    return this.#scrubbing = this.#scrubbing.then(() => this.#scrubbed())
  }

  async #scrubbed (): Promise<void> {
    try {
      if (!this.#fatal) await scrub(join(this.#options.folder, 'offpeak.db'))
    } catch (error) {
      this.#noted(error)
    }
  }

  #lose (error: OffpeakError): OffpeakError {
    if (this.lost) return this.lost
    this.lost = error
    this.#options.found(error)
    return error
  }

  #block (error: OffpeakError): void {
    if (!this.blocked) this.#options.found(error)
    this.blocked = error
  }

  /** Throws and stops all writes: after a failed sync the content of the disk is unknown. */
  unsynced (cause: unknown): never {
    throw this.lost ??= engineFailed({
      message: 'The disk did not confirm a write',
      fix: 'Check the disk, then start again. Everything acknowledged before is safe.',
      cause
    })
  }

  /** Marks the store as lost because rows and memory may differ: all later calls fail. */
  lose (cause: unknown): OffpeakError {
    return this.lost ??= unknownStore(cause)
  }

  /** Releases the ballast when the disk is full. False: there is none left. */
  makeRoom (): boolean {
    return releaseBallast(this.#ballast)
  }

  /** Notes an error. The first sign of damage copies the files to a quarantine folder. */
  note (error: unknown): void {
    if (sqliteErrorKind(error) !== 'corrupt' || this.damaged) return
    this.damaged = openFailed({ folder: this.#options.folder, now: this.#options.clock() }, error) as OffpeakError
  }

  #noted (error: unknown): void {
    const before = this.damaged
    this.note(error)
    if (this.damaged !== before) this.#options.found(this.damaged)
  }
}

/** The error for a store whose rows and memory may differ. */
export const unknownStore = (cause: unknown): OffpeakError =>
  engineFailed({
    message: `The state of the store is unknown: ${cause instanceof Error ? cause.message : String(cause)}`,
    fix: 'Start again. Everything acknowledged is safe.',
    cause
  })
