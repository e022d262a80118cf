import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises'
import { engineStopped } from '../../model/errors/engine-errors.ts'
import { toEngineError, sqliteErrorKind } from './file/sqlite-errors.ts'
import type { SyncMode } from './file/log-sync.ts'

/** The parts of the store that the group commit calls. */
export interface CommitOptions {
  db: DatabaseSync
  /** Monotonic milliseconds. */
  clock(): number
  /** Runs when a transaction has begun. From here on changes of memory are journaled. */
  begun(): void
  /** Runs inside each transaction before each call. */
  before(call: string): void
  /** Runs inside each transaction after each call and applies its consequences. */
  after(): void
  /** The number of changes so far, in rows and in memory. */
  changes(): number
  /** Runs inside each transaction, after the calls. */
  seal(): void
  /** Runs after each commit, before its calls resolve. True: other calls are likely to follow at once. */
  committed(): boolean
  /** Runs after a rollback and undoes the changes of memory. */
  undo(): void
  /** Runs when a rollback failed: rows and memory may differ, and no call is accepted any more. Returns the error for
   *  all of them. */
  lose(error: unknown): unknown
  /** Throws when nothing may be written. */
  guard(): void
  /** Frees space on a full disk. False: there is none to free. */
  makeRoom(): boolean
  /** Resolves when everything committed is durable. */
  sync(haste: SyncMode): Promise<void>
  /** Called for each failed transaction or sync. */
  failed(call: string, error: unknown): void
}

/** When a call resolves. `committed`: its transaction is committed, and survives the end of this process. `durable`: it
 *  is synced as well, and survives a power cut. `begun`: it is committed, and the sync of its changes has begun. */
export type AckPoint = 'committed' | 'begun' | 'durable'

interface PendingCall {
  name: string
  answered: AckPoint
  work: () => unknown
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
  value?: unknown
  fault?: { error: unknown }
  /** With `begun`: true when the call changed something. */
  changed?: boolean
}

/** The maximum number of event loop turns that a batch waits while more calls arrive. */
const GATHER_TURNS = 4
/** How long a single sequential caller may go without a turn of the event loop, ms. */
const STREAK_MS = 1
const BUSY_WAITS_MS = [50, 100, 200]

/** Resolves when the pending microtasks and ticks are done. */
const afterThis = () => new Promise<void>(resolve => process.nextTick(resolve))

/** Runs the calls of one event loop turn in one transaction; commits share a sync. A call that throws before it changes
 *  anything fails alone. A call that throws later is rolled back with its transaction, and the other calls run again
 *  without it. */
export class GroupCommit {
  /** How long the last commit took, ms. */
  lastMs: number | null = null
  /** The error of the last commit, or null. */
  failure: unknown = null
  readonly #options: CommitOptions
  readonly #begin: StatementSync
  readonly #end: StatementSync
  #calls: PendingCall[] = []
  /** The number of calls so far. */
  #count = 0
  /** The number of waiting calls with the ack point `durable`. */
  #callers = 0
  #flushing: Promise<void> | null = null
  /** The sync that a single caller waits for. */
  #lone: Promise<void> = Promise.resolve()
  /** Syncs that no caller waits for. */
  readonly #hurried = new Set<Promise<void>>()
  /** True while the immediate consequences of a single caller's result run. */
  #loneAnswered = false
  /** When a batch last waited for a turn of the event loop. */
  #turned = 0
  #closed = false

  constructor (options: CommitOptions) {
    this.#options = options
    this.#begin = options.db.prepare('begin immediate')
    this.#end = options.db.prepare('commit')
  }

  /** True while calls wait for their transaction. */
  get pending (): boolean {
    return this.#calls.length > 0
  }

  write<T> (name: string, answered: AckPoint, work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(engineStopped())
    return new Promise<T>((resolve, reject) => {
      this.#count += 1
      this.#calls.push({ name, answered, work, resolve: resolve as (value: unknown) => void, reject })
      if (answered === 'durable') this.#callers += 1
      this.#flushing ??= this.#flush()
    })
  }

  /** Resolves when everything committed so far is durable. */
  async durable (): Promise<void> {
    this.#options.guard()
    await this.#options.sync(null)
  }

  /** Finishes the accepted calls and accepts no more. */
  async close (): Promise<void> {
    this.#closed = true
    while (this.#flushing) await this.#flushing
    await this.#lone
    await Promise.all(this.#hurried)
    await this.#options.sync(null).catch(error => this.#options.failed('stop', error))
  }

  async #flush (): Promise<void> {
    await this.#gather()
    const calls = this.#calls
    this.#calls = []
    this.#callers = 0
    try {
      this.#options.guard()
      const begun = this.#options.clock()
      try {
        this.#transact(calls)
      } catch (error) {
        await this.#again(calls, error)
      }
      this.#answer(calls, begun)
    } catch (error) {
      this.failure = error
      for (const call of calls) call.reject(error)
    }
    this.#flushing = this.#calls.length > 0 ? this.#flush() : null
  }

  /** Waits until a turn of the event loop adds no further call. Calls that do not wait for the disk do not extend the
   *  wait. The next call of a single caller waits for no turn; calls made at the same time still join it. */
  async #gather (): Promise<void> {
    if (this.#loneAnswered && this.#options.clock() - this.#turned < STREAK_MS) {
      await afterThis()
      if (this.#callers <= 1) return
    }
    if (this.#callers === 0) return
    this.#turned = this.#options.clock()
    for (let turn = 0, seen = -1; turn < GATHER_TURNS && this.#callers > seen; turn++) {
      seen = this.#callers
      await nextTurn()
    }
  }

  #answer (calls: readonly PendingCall[], begun: number): void {
    const others = this.#options.committed()
    const waiting: PendingCall[] = []
    for (const call of calls) {
      if (call.fault) call.reject(call.fault.error)
      else if (call.answered === 'durable') waiting.push(call)
      else call.resolve(call.value)
    }
    const started = calls.find(({ answered, changed }) => answered === 'begun' && changed === true)
    if (waiting.length === 0) {
      this.lastMs = this.#options.clock() - begun
      return started && this.#hurry(started)
    }
    // The next calls do not wait for this sync: they are committed meanwhile and share the next one. A run that starts
    // may block the event loop, so the sync begins first.
    if (waiting.length > 1 || started) return void this.#sync(waiting, begun, false)
    if (calls.length === 1 && !others && this.#calls.length === 0) {
      return void (this.#lone = this.#sync(waiting, begun, true))
    }
    // A call that this one triggered, and its consequences, must not wait for the disk.
    const count = this.#count
    this.#lone = nextTurn().then(() => this.#sync(waiting, begun, this.#count === count))
  }

  /** Syncs changes that no caller waits for, so that a later power cut does not undo them. */
  #hurry ({ name }: PendingCall): void {
    const hurried = this.#options.sync('hurried').catch(error => {
      this.failure = error
      this.#options.failed(name, error)
    }).finally(() => this.#hurried.delete(hurried))
    this.#hurried.add(hurried)
  }

  async #sync (waiting: readonly PendingCall[], begun: number, alone: boolean): Promise<void> {
    try {
      await this.#options.sync(alone ? 'alone' : null)
      this.failure = null
      this.lastMs = this.#options.clock() - begun
      for (const { resolve, value } of waiting) resolve(value)
      if (!alone) return
      this.#loneAnswered = true
      process.nextTick(() => {
        this.#loneAnswered = false
      })
    } catch (error) {
      this.failure = error
      this.#options.failed(waiting[0]!.name, error)
      for (const { reject } of waiting) reject(error)
    }
  }

  /** Retries a transaction that failed because of another program's lock or a full disk. */
  async #again (calls: readonly PendingCall[], failed: unknown): Promise<void> {
    for (let attempt = 0, error = failed;; attempt++) {
      const trouble = sqliteErrorKind(error)
      this.#options.failed(calls[0]!.name, error)
      const wait = BUSY_WAITS_MS[attempt]
      if (trouble === 'busy' && wait !== undefined) await setTimeout(wait)
      else if (trouble !== 'full' || !this.#options.makeRoom()) throw trouble ? toEngineError(error) : error
      try {
        return this.#transact(calls)
      } catch (next) {
        error = next
      }
    }
  }

  /** Runs all calls in one transaction, without those that throw. When a failed call had changed something, the rest
   *  run again from the start. */
  #transact (calls: readonly PendingCall[]): void {
    for (;;) {
      const fault = this.#attempt(calls)
      if (fault === null) return
      fault.call.fault = { error: fault.error }
    }
  }

  /** One transaction. Null: it is committed. Otherwise it is rolled back because of the returned call. Throws errors
   *  that no call caused. */
  #attempt (calls: readonly PendingCall[]): { call: PendingCall, error: unknown } | null {
    let current: PendingCall | null = null
    try {
      this.#begin.run()
      this.#options.begun()
      for (const call of calls) {
        if (call.fault) continue
        current = call
        this.#do(call)
      }
      current = null
      this.#options.seal()
      this.#end.run()
      return null
    } catch (error) {
      this.#rollback()
      if (current === null || sqliteErrorKind(error)) throw error
      return { call: current, error }
    }
  }

  #do (call: PendingCall): void {
    const changes = this.#options.changes()
    try {
      this.#options.before(call.name)
      call.value = call.work()
      this.#options.after()
      if (call.answered === 'begun') call.changed = this.#options.changes() !== changes
    } catch (error) {
      // A call that is refused before it changes anything does not affect the others.
      if (sqliteErrorKind(error) || this.#options.changes() !== changes) throw error
      call.fault = { error }
    }
  }

  #rollback (): void {
    const { db, undo, lose } = this.#options
    try {
      // On a full disk SQLite rolls back by itself.
      if (db.isTransaction) db.exec('rollback')
      if (db.isTransaction) throw new Error('the transaction is still open')
      undo()
    } catch (error) {
      throw lose(error)
    }
  }
}
