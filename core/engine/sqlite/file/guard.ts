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
  /** True: the file was looked through when it was opened. */
  unclean: boolean
  /** Called with what is found wrong, once. */
  found: (error: unknown) => void
}

/** Watches over an open store: that its files are those that the next start will read, that they hold what was written
 *  to them, and that no other process has taken it over. */
export class Guard {
  /** Nothing can be trusted any more: every call fails with it. */
  lost: OffpeakError | null = null
  /** The file is damaged: writes fail with it, reads go on as far as they can. */
  damaged: OffpeakError | null = null
  /** Nothing can be written for now. */
  blocked: OffpeakError | null = null
  readonly #options: GuardOptions
  readonly #ballast: string
  readonly #files: StoreFiles
  readonly #version: StatementSync
  /** Changes when another connection writes. */
  #seen: number
  #checked: number
  #scrubbing: Promise<void> = Promise.resolve()
  /** While it is not settled nobody is told that anything is stored. */
  #doubted: Promise<void> | null = null
  #doubts = 0
  #glanced = -Infinity
  /** The last answers of many are followed by a glance: it has to know what they have left. */
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
    // What nobody writes to or asks about is watched all the same.
    this.#timer = setInterval(() => this.inspect(), LOOK_MS).unref()
    // A start after a stop in order has not looked the file through.
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

  /** Throws when nothing may be written. Looks at the files when a busy event loop has kept the timer from it for
   *  long. */
  check (): void {
    if (performance.now() - this.#checked >= EVERY_MS) this.inspect()
    this.#refuse()
  }

  /** Throws when another process has taken the store over: in a transaction, nothing of it is stored then. */
  fence (): void {
    const version = this.#dataVersion()
    if (version === this.#seen) return
    const holder = readHolder(this.#options.db)
    if (holder?.id !== this.#options.holder.id) {
      throw this.#lose(engineTaken(holder === null ? 'one that has left it again' : describeHolder(holder)))
    }
    this.#seen = version
  }

  #dataVersion (): number {
    return (this.#version.get() as { data_version: number }).data_version
  }

  /** Throws when what was written is not there to be read any more; answers with a promise when that has to be looked
   *  up. Answers that come together share one glance at the files. */
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

  /** Looks at the files, at the lock, and for another owner. Throws nothing. */
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
      fix: 'Leave lock.db and lock.json alone: they are freed when offpeak stops, however it stops.'
    }))
  }

  #take (found: FileFinding | null): void {
    if (found === null || this.lost) return
    const { folder, clock } = this.#options
    const { kind, words: message } = found
    if (kind === 'foreign') return this.#doubt()
    if (kind === 'moved') {
      this.#lose(engineFailed({ message, fix: 'Stop, put the file back with its -wal file, and start again.' }))
    } else if (kind === 'damaged') this.#noted(Object.assign(new Error(message), { errcode: 11 }))
    else if (kind === 'cut') {
      const place = quarantine(folder, clock())
      this.#lose(engineFailed({
        message: `${message}: what was last acknowledged may be missing; a copy of the files is in ${place}`,
        fix: 'Stop, put the newest good backup in the place of offpeak.db or keep what is there, and start again.'
      }))
    } else this.#block(engineFailed({ message, fix: 'Make the folder and its files writable for this user.' }))
  }

  /** Looks the whole file through, once more when it is written meanwhile. */
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

  /** Throws, and lets no more be written: after a failed sync nobody knows what the disk holds. */
  unsynced (cause: unknown): never {
    throw this.lost ??= engineFailed({
      message: 'The disk did not confirm what was written',
      fix: 'Look at the disk; what was acknowledged before is safe. Start again when it is in order.',
      cause
    })
  }

  /** Neither rows nor memory are known any more: nothing is answered after this. */
  lose (cause: unknown): OffpeakError {
    return this.lost ??= unknownStore(cause)
  }

  /** Gives the ballast up for a full disk. False: there is none left. */
  makeRoom (): boolean {
    return releaseBallast(this.#ballast)
  }

  /** Takes note of an error; the first sign of damage copies the files aside. */
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

/** That neither rows nor memory are known any more. */
export const unknownStore = (cause: unknown): OffpeakError =>
  engineFailed({
    message: `What is stored is not known any more: ${cause instanceof Error ? cause.message : String(cause)}`,
    fix: 'Start again: what was acknowledged is safe.',
    cause
  })
