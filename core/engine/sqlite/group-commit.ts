import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises'
import { engineStopped } from '../../model/errors/engine-errors.ts'
import { toEngineError, sqliteErrorKind } from './file/sqlite-errors.ts'
import type { SyncMode } from './file/log-sync.ts'

/** What the group commit needs of what it commits. */
export interface CommitOptions {
  db: DatabaseSync
  /** Counted milliseconds, since whenever. */
  clock(): number
  /** Runs when a transaction has begun: from here on changes of memory are noted. */
  begun(): void
  /** Runs inside each transaction before each call. */
  before(call: string): void
  /** Runs inside each transaction after each call, with what follows from it. */
  after(): void
  /** How much was changed so far, in rows and in memory. */
  changes(): number
  /** Runs inside each transaction, after the calls. */
  seal(): void
  /** Runs after each commit, before anybody is answered; true: other calls are likely to follow at once. */
  committed(): boolean
  /** Runs after a rollback: changes of memory are undone. */
  undo(): void
  /** Neither rows nor memory are known any more: no call is taken after this. Answers the error for all of them. */
  lose(error: unknown): unknown
  /** Throws when nothing may be written any more. */
  guard(): void
  /** Gives space back when the disk is full. False: there is none to give. */
  makeRoom(): boolean
  /** Resolves when all that is committed is durable. */
  sync(haste: SyncMode): Promise<void>
  /** Called with every transaction that failed. */
  failed(call: string, error: unknown): void
}

/** When a call is answered: once its transaction is committed, which the end of this process does not undo, or once it
 *  is durable, which a power cut does not undo either. `begun`: once it is committed, and what it has changed is on its
 *  way to the disk then. */
export type AckPoint = 'committed' | 'begun' | 'durable'

interface PendingCall {
  name: string
  answered: AckPoint
  work: () => unknown
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
  value?: unknown
  fault?: { error: unknown }
  /** Of one that is answered when it has begun: true when it has changed something. */
  changed?: boolean
}

/** Turns of the event loop that a batch waits for others while more keep coming. */
const GATHER_TURNS = 4
/** A caller who adds one after another keeps the event loop for so long before it turns (ms). */
const STREAK_MS = 1
const BUSY_WAITS_MS = [50, 100, 200]

/** Resolves when all that follows from what is done now without waiting is done. */
const afterThis = () => new Promise<void>(resolve => process.nextTick(resolve))

/** Many callers, one transaction: calls of one turn of the event loop share one commit, and commits share one sync. A
 *  call that throws before it has changed anything fails alone; one that has is undone with its transaction, and the
 *  others are done again as if it had never been there. */
export class GroupCommit {
  /** Milliseconds that the last commit took. */
  lastMs: number | null = null
  /** What the last commit failed of; null: it did not. */
  failure: unknown = null
  readonly #options: CommitOptions
  readonly #begin: StatementSync
  readonly #end: StatementSync
  #calls: PendingCall[] = []
  /** How many calls there ever were. */
  #count = 0
  /** How many of them are answered when they are durable. */
  #callers = 0
  #flushing: Promise<void> | null = null
  /** The sync that one caller waits for. */
  #lone: Promise<void> = Promise.resolve()
  /** Syncs that nobody waits for. */
  readonly #hurried = new Set<Promise<void>>()
  /** True until what follows at once from the answer of a lone caller is done. */
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

  /** Resolves when all that is committed by now is durable. */
  async durable (): Promise<void> {
    this.#options.guard()
    await this.#options.sync(null)
  }

  /** Answers what was asked and takes no more. */
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

  /** Waits until a turn of the event loop brings no further caller. Who need not wait for the disk comes because of
   *  another, and brings none: nobody is waited for then. The next call of a caller who was alone waits for no turn:
   *  whoever else calls at once joins it all the same. */
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
    // The next calls need not wait for the sync: they are committed meanwhile and share the one after. What has begun
    // may keep the event loop: the disk is asked before that.
    if (waiting.length > 1 || started) return void this.#sync(waiting, begun, false)
    if (calls.length === 1 && !others && this.#calls.length === 0) {
      return void (this.#lone = this.#sync(waiting, begun, true))
    }
    // Another call that was set off is not to wait for the disk, nor is what follows from it.
    const count = this.#count
    this.#lone = nextTurn().then(() => this.#sync(waiting, begun, this.#count === count))
  }

  /** Has the disk confirm what nobody waits for: a power cut soon after does not undo it. */
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

  /** Tries again what another program or a full disk has kept from being written, as long as that may help. */
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

  /** Does every call in one transaction. Those that throw are left out; when one has changed something by then, the
   *  rest are done again from the start. */
  #transact (calls: readonly PendingCall[]): void {
    for (;;) {
      const fault = this.#attempt(calls)
      if (fault === null) return
      fault.call.fault = { error: fault.error }
    }
  }

  /** One transaction. Null: it is committed; else nothing is, because of one call. Throws when that was not the fault
   *  of a call. */
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
      // Who is refused before anything was changed has changed nothing for the others.
      if (sqliteErrorKind(error) || this.#options.changes() !== changes) throw error
      call.fault = { error }
    }
  }

  #rollback (): void {
    const { db, undo, lose } = this.#options
    try {
      // On a full disk SQLite has rolled back by itself.
      if (db.isTransaction) db.exec('rollback')
      if (db.isTransaction) throw new Error('the transaction is still open')
      undo()
    } catch (error) {
      throw lose(error)
    }
  }
}
