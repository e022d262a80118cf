import type { Bucket } from '../../../core/model/config/queue.ts'
import { NO_DEADLINE } from '../../../core/model/run/cohort.ts'
import type { Cohort } from '../../../core/model/run/cohort.ts'
import { isFinal } from '../../../core/model/run/run.ts'
import type { NewRun, State } from '../../../core/model/run/run.ts'
import type { Outcome } from '../../../core/model/run/outcome.ts'
import type { Usage } from '../../../core/model/run/usage.ts'
import { Leases } from './leases.ts'
import { byCode, orphaned, replayed, within } from './expected-holds.ts'
import { addHeld } from './held-sums.ts'
import type { Event } from './expected-holds.ts'
import { bornAs, isScheduled, isWaiting, recount, singleOrder, waitedUntil, waitsAgain,
  waitsOn } from './expected-run.ts'
import type { Sum, ExpectedRun } from './expected-run.ts'

/** The simplest engine with the same laws: one list that every query scans. */
export class ReferenceEngine {
  now: number
  runs: ExpectedRun[] = []
  readonly cursors = new Map<string, number>()
  readonly sums = new Map<string, Sum>()
  /** Time held by `task/code`, of finished waits. */
  readonly held = new Map<string, { ms: number, runs: number }>()
  readonly events: Event[] = []
  readonly owners = new Leases()
  readonly buckets = new Map<string, Bucket>()
  records = 0
  #last = ''

  constructor (now: number) {
    this.now = now
  }

  find (id: string): ExpectedRun | undefined {
    return this.runs.find(run => run.id === id)
  }

  sumOf (task: string): Sum {
    const known = this.sums.get(task) ?? { completed: 0, failed: 0, cancelled: 0, skipped: 0, retries: 0, cpu: 0 }
    this.sums.set(task, known)
    return known
  }

  /** The run that holds a key. */
  named (task: string, key: string | null | undefined): ExpectedRun | undefined {
    const holder = key === null || key === undefined
      ? undefined
      : this.runs.find(run => run.task === task && run.key === key && !run.free)
    if (typeof holder?.until !== 'number' || holder.until > this.now) return holder
    holder.free = true
    return undefined
  }

  born (ask: NewRun, id: string): ExpectedRun {
    if (id <= this.#last) throw new Error(`the id ${id} does not come after ${this.#last}`)
    this.#last = id
    const run = bornAs(ask, id, this.now)
    this.runs.push(run)
    if (ask.skipped) this.sumOf(run.task).skipped += 1
    return run
  }

  cohortOf (run: ExpectedRun): Cohort | null {
    if (run.single) return null
    const { task, queue, priority, deadline_at: deadline, due_at: due } = run
    return {
      task,
      queue,
      priority,
      span: deadline === null ? NO_DEADLINE : deadline - due,
      scheduled: isScheduled(run)
    }
  }

  /** A run leaves its cohort for good and takes its timeline along. */
  alone (run: ExpectedRun): void {
    const cohort = this.cohortOf(run)
    run.single = true
    if (cohort === null || run.state === 'blocked') return
    const shared = within(replayed(this.events, cohort, run.due_at), run.due_at, waitedUntil(run))
    if (run.state !== 'queued') return void (run.past = run.own.push(...shared))
    const counted = run.countedTo === null ? [] : within(shared, run.due_at, run.countedTo)
    run.own = [...run.own.slice(0, run.past), ...counted, ...run.own.slice(run.past),
      ...within(shared, run.countedTo ?? run.due_at, null)]
    run.past += counted.length
  }

  /** The wait of a queued run ends, and its held time is summed. */
  #leave (run: ExpectedRun): void {
    if (run.state !== 'queued') return
    run.own = run.own.map((entry, place) =>
      place < run.past || entry.to !== null ? entry : { ...entry, to: Math.max(entry.from, this.now) }
    )
    const cohort = this.cohortOf(run)
    const shared = cohort === null
      ? []
      : within(within(replayed(this.events, cohort, run.due_at), run.due_at, this.now), run.countedTo ?? run.due_at,
        null)
    for (const [code, ms] of byCode([...shared, ...run.own.slice(run.past)])) {
      addHeld(this, this.held, { run, code, ms })
    }
    run.past = run.own.length
  }

  /** Ends a run. */
  over (
    run: ExpectedRun,
    state: Exclude<State, 'blocked' | 'queued' | 'running'>,
    more: Partial<ExpectedRun> = {}
  ): void {
    this.#leave(run)
    Object.assign(run, { state, finished_at: this.now, owner: null, child: null, ...more })
    this.sumOf(run.task)[state] += 1
    if (typeof run.until === 'string') run.free = true
  }

  /** Queues a run again, unless a later run with its key replaces it. */
  again (run: ExpectedRun, due_at: number, more: Partial<ExpectedRun> = {}): void {
    this.alone(run)
    if (run.displaced) return this.over(run, 'skipped', { ...more, reason: 'replaced' })
    Object.assign(run, { state: waitsOn(run), owner: null, child: null, finished_at: null, due_at, ...more })
  }

  /** A finished run is queued again, and its unfinished dependents wait for it again. */
  #reopen ({ id }: ExpectedRun): void {
    for (const run of this.runs.filter(({ state, links }) => !isFinal(state) && links.some(link => link.id === id))) {
      for (const link of run.links) if (link.id === id) link.counted = null
      if (run.state !== 'queued') continue
      this.alone(run)
      this.#leave(run)
      run.state = 'blocked'
    }
  }

  /** Updates the dependents of ended runs until nothing changes. */
  follow (): void {
    for (let changed = true; changed;) {
      changed = false
      for (const run of this.runs) {
        for (const link of run.links) {
          const state = this.find(link.id)?.state
          if (link.counted === null && state && isFinal(state)) Object.assign(link, { counted: state, waived: false })
        }
        if (run.state !== 'blocked') continue
        const met = run.links.map(({ condition, counted, waived }) =>
          counted === null ? null : waived || condition === 'done' || condition === counted
        )
        if (met.includes(false)) this.over(run, 'skipped', { reason: 'dependency_failed' })
        else if (!met.includes(null)) {
          Object.assign(run, { state: 'queued', ...this.now > run.due_at && { due_at: this.now, single: true } })
        }
        changed ||= run.state !== 'blocked'
      }
    }
  }

  due (now = this.now): ExpectedRun[] {
    return this.runs.filter(({ state, due_at }) => state === 'queued' && due_at <= now)
  }

  singles (): ExpectedRun[] {
    return this.due().filter(({ single }) => single).toSorted(singleOrder)
  }

  others (owner: string): ExpectedRun[] {
    return this.runs.filter(run => run.state === 'running' && run.owner !== owner)
  }

  start (run: ExpectedRun, owner: string): void {
    this.#leave(run)
    run.countedTo = null
    Object.assign(run, {
      state: 'running',
      attempt: run.attempt + 1,
      turn: run.turn + 1,
      owner,
      started_at: this.now,
      reason: null,
      child: null
    })
    if (run.until === 'started') run.free = true
  }

  readonly renew = (owner: string, until: number): void => this.owners.renew(owner, until)

  /** Removes these owners; null: all of them. */
  gone (owners: readonly string[] | null): void {
    for (const name of owners ?? [...this.owners.keys()]) this.owners.delete(name)
    this.events.push({ kind: 'over', owners })
    // The circumstances of a claim are not stored.
    if (owners === null) { for (const run of this.runs) run.rated = false }
    for (const run of this.runs) run.own = [...run.own.slice(0, run.past), ...orphaned(run.own.slice(run.past), owners)]
  }

  /** Settles a run. False: the lease is stale. */
  settle (
    run: ExpectedRun,
    turn: number,
    { outcome, used, lines, begun }: { outcome: Outcome, used: Usage | null, lines: string[], begun: boolean }
  ): boolean {
    if (run.state !== 'running' || run.turn !== turn) return false
    run.lines.push(...lines)
    const bucket = this.buckets.get(run.queue)
    if (!begun && run.rated && bucket) this.buckets.set(run.queue, { ...bucket, tokens: bucket.tokens + 1 })
    if (used) this.#use(run, used)
    const back = outcome.kind === 'postponed' && !begun && outcome.due_at === run.due_at && run.cancel === null
    if (back && !run.single && waitsAgain(run) === 'queued') this.#back(run, outcome)
    else this.#end(run, outcome)
    if (!isFinal(run.state) && begun) run.attempts.push({ turn, outcome: outcome.kind })
    return true
  }

  /** A run that never began returns to its cohort; its held time so far is summed. */
  #back (run: ExpectedRun, { reason }: Extract<Outcome, { kind: 'postponed' }>): void {
    const more = { attempt: run.attempt - 1, preempted: run.preempted + (reason.code === 'yield' ? 1 : 0) }
    if (run.displaced) return this.over(run, 'skipped', { ...more, reason: 'replaced' })
    Object.assign(run, {
      ...more,
      state: 'queued',
      owner: null,
      child: null,
      reason: reason.code,
      countedTo: Math.max(run.due_at, run.started_at!)
    })
  }

  #use (run: ExpectedRun, { cpu_seconds: cpu, memory_peak_bytes: memory }: Usage): void {
    run.used = {
      cpu_seconds: cpu + (run.used?.cpu_seconds ?? 0),
      memory_peak_bytes: Math.max(memory, run.used?.memory_peak_bytes ?? 0),
      read_bytes: null,
      written_bytes: null
    }
    this.sumOf(run.task).cpu += cpu
  }

  #end (run: ExpectedRun, outcome: Outcome): void {
    if (outcome.kind === 'completed') return this.over(run, 'completed', { error: null, result: outcome.result })
    if (outcome.kind === 'skipped' || outcome.kind === 'cancelled') {
      return this.over(run, outcome.kind, { reason: outcome.reason.code })
    }
    const error = outcome.kind === 'failed' ? outcome.error.message : run.error
    if (run.cancel !== null) return this.over(run, 'cancelled', { error, reason: run.cancel })
    const preempted = run.preempted + (outcome.kind === 'postponed' && outcome.reason.code === 'yield' ? 1 : 0)
    if (outcome.kind === 'postponed') {
      return this.again(run, outcome.due_at, { attempt: run.attempt - 1, reason: outcome.reason.code, preempted })
    }
    if (outcome.retry_at === null || run.attempt > run.max_retries) {
      return this.over(run, 'failed', { error, reason: outcome.reason?.code ?? null })
    }
    this.again(run, outcome.retry_at, { error })
    if (isWaiting(run)) this.sumOf(run.task).retries += 1
  }

  cancel (run: ExpectedRun, code: string): void {
    if (isWaiting(run)) this.over(run, 'cancelled', { reason: code })
    else if (run.state === 'running') run.cancel ??= code
  }

  retry (run: ExpectedRun, due_at: number): void {
    if (!isFinal(run.state)) return
    if (run.turn > 0 && run.attempts.at(-1)?.turn !== run.turn) {
      run.attempts.push({ turn: run.turn, outcome: run.state })
    }
    if (run.state === 'completed') run.checkpoint = null
    run.displaced = false
    recount(run.links, id => this.find(id)?.state)
    const from = run.attempt > 1 ? run.nominal_at : Math.max(run.nominal_at, run.due_at)
    const deadline_at = run.deadline_at && due_at + Math.max(0, run.deadline_at - from)
    this.again(run, due_at, {
      attempt: 0,
      crashes: 0,
      preempted: 0,
      now: false,
      cancel: null,
      reason: null,
      error: null,
      result: null,
      deadline_at
    })
    this.#reopen(run)
    if (typeof run.until === 'string' &&
      !this.runs.some(other => other !== run && other.task === run.task && other.key === run.key && !other.free)) {
      run.free = false
    }
  }

  remove (run: ExpectedRun): void {
    this.follow()
    this.runs = this.runs.filter(other => other !== run)
    for (const { links } of this.runs.filter(({ state }) => state !== 'completed')) {
      for (const link of links) if (link.id === run.id) link.result = run.result
    }
  }
}
