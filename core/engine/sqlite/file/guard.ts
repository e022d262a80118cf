import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { OffpeakError } from '../../../model/base/errors.ts'
import { engineFailed } from '../../../model/base/errors.ts'
import { SECOND } from '../../../model/base/duration.ts'
import { dropBallast, loadBallast } from './reserve.ts'
import { openFailed } from './open.ts'
import { troubleOf } from './errors.ts'

const EVERY_MS = 5 * SECOND

export interface GuardOptions { folder: string, clock: () => number, ballastBytes: number }

/** Watches over the files of an open store: what is written must land in the file that the next start will read. */
export class Guard {
  /** Nothing can be trusted any more: every call fails with it. */
  lost: OffpeakError | null = null
  /** The file is damaged: writes fail with it, reads go on as far as they can. */
  damaged: OffpeakError | null = null
  readonly #options: GuardOptions
  readonly #file: string
  readonly #ballast: string
  readonly #identity: string
  #checked: number

  constructor (options: GuardOptions) {
    this.#options = options
    this.#file = join(options.folder, 'offpeak.db')
    this.#ballast = join(options.folder, 'ballast')
    this.#identity = this.#identify()
    this.#checked = options.clock()
    loadBallast(this.#ballast, options.ballastBytes)
  }

  #identify (): string {
    const stats = ['', '-wal'].map(end => statSync(this.#file + end, { throwIfNoEntry: false }))
    return stats.map(stat => stat ? `${stat.dev}:${stat.ino}` : 'gone').join(' ')
  }

  /** Throws when nothing may be written; every few seconds looks at the file itself. */
  check (): void {
    const now = this.#options.clock()
    if (Math.abs(now - this.#checked) >= EVERY_MS) {
      this.#checked = now
      this.#look()
    }
    const fatal = this.lost ?? this.damaged
    if (fatal) throw fatal
  }

  #look (): void {
    if (this.#identify() === this.#identity) {
      loadBallast(this.#ballast, this.#options.ballastBytes)
      return
    }
    this.lost ??= engineFailed({
      message: `${this.#file} was moved, removed or replaced while it was in use`,
      fix: 'Stop, put the file back with its -wal file, and start again.'
    })
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
    return dropBallast(this.#ballast)
  }

  /** Takes note of an error; the first sign of damage copies the files aside. */
  note (error: unknown): void {
    if (troubleOf(error) !== 'corrupt' || this.damaged) return
    this.damaged = openFailed({ folder: this.#options.folder, now: this.#options.clock() }, error) as OffpeakError
  }
}

/** That neither rows nor memory are known any more. */
export const unknownStore = (cause: unknown): OffpeakError => engineFailed({
  message: `What is stored is not known any more: ${cause instanceof Error ? cause.message : String(cause)}`,
  fix: 'Start again: what was acknowledged is safe.',
  cause
})
