import type { RecoverAsk, Room } from '../../../core/engine/engine.ts'
import { PRIORITIES, isFinal } from '../../../core/model/run/run.ts'
import type { Condition, NewRun, Priority, Source, State } from '../../../core/model/run/run.ts'
import type { Json } from '../../../core/model/base/json.ts'
import type { Outcome } from '../../../core/model/run/outcome.ts'
import type { Used } from '../../../core/model/run/used.ts'

/** `counted`: what the prerequisite came to when it did. `result`: of one that was removed. */
export interface Link { id: string, ref: string | null, condition: Condition, counted: State | null, result: Json }

/** A run as the laws say it is: reasons by their code, errors by their message, the child by its pid. */
export interface Was {
  id: string, task: string, queue: string, priority: Priority, state: State, source: Source, schedule: string | null, key: string | null
  due_at: number, nominal_at: number, attempt: number, max_retries: number, turn: number, crashes: number, missed: number, owner: string | null, lease_until: number | null
  created_at: number, started_at: number | null, finished_at: number | null, deadline_at: number | null, expires: boolean
  cancel: string | null, reason: string | null, error: string | null, child: number | null
  until: 'started' | 'finished' | number | null, free: boolean, displaced: boolean, links: Link[]
  payload: Json, result: Json, checkpoint: Json, used: Used | null
  attempts: { turn: number, outcome: string }[], codes: string[], open: boolean, lines: string[]
}

export interface Sum { completed: number, failed: number, cancelled: number, skipped: number, retries: number, cpu: number }

export const isWaiting = ({ state }: Was): boolean => state === 'queued' || state === 'blocked'

const before = (a: Was, b: Was): number =>
  PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) || a.due_at - b.due_at || (a.id < b.id ? -1 : 1)

/** The laws of runs, as simple as they can be said: one list, walked from end to end for every question. */
export class Laws {
  now: number
  runs: Was[] = []
  readonly cursors = new Map<string, number>()
  readonly sums = new Map<string, Sum>()
  records = 0
  #last = ''

  constructor (now: number) {
    this.now = now
  }

  find (id: string): Was | undefined {
    return this.runs.find(run => run.id === id)
  }

  sumOf (task: string): Sum {
    const known = this.sums.get(task) ?? { completed: 0, failed: 0, cancelled: 0, skipped: 0, retries: 0, cpu: 0 }
    this.sums.set(task, known)
    return known
  }

  /** The run whose own a name is. */
  named (task: string, key: string | null | undefined): Was | undefined {
    const holder = key === null || key === undefined ? undefined : this.runs.find(run => run.task === task && run.key === key && !run.free)
    if (typeof holder?.until !== 'number' || holder.until > this.now) return holder
    holder.free = true
    return undefined
  }

  born (ask: NewRun, id: string): Was {
    if (id <= this.#last) throw new Error(`the id ${id} does not come after ${this.#last}`)
    this.#last = id
    const until = ask.unique?.until ?? 'kept'
    const run: Was = {
      id, task: ask.task, queue: ask.queue, priority: ask.priority, state: ask.skipped ? 'skipped' : ask.after?.length ? 'blocked' : 'queued', source: ask.source,
      schedule: ask.schedule ?? null, key: ask.key ?? null, due_at: ask.due_at, nominal_at: ask.nominal_at ?? ask.due_at, attempt: 0, max_retries: ask.max_retries, turn: 0,
      crashes: 0, missed: ask.missed ?? 0, owner: null, lease_until: null, created_at: this.now, started_at: null, finished_at: ask.skipped ? this.now : null,
      deadline_at: ask.deadline_at ?? null, expires: ask.expires ?? false, cancel: null, reason: ask.skipped?.code ?? null, error: null, child: null,
      until: until === 'kept' ? null : typeof until === 'number' ? this.now + until : until, free: false, displaced: false, links: [],
      payload: ask.payload ?? null, result: null, checkpoint: null, used: null, attempts: [], codes: [], open: false, lines: []
    }
    this.runs.push(run)
    if (ask.skipped) this.sumOf(run.task).skipped += 1
    return run
  }

  /** A run is over. */
  over (run: Was, state: Exclude<State, 'blocked' | 'queued' | 'running'>, more: Partial<Was> = {}): void {
    Object.assign(run, { state, finished_at: this.now, owner: null, lease_until: null, child: null, open: false, ...more })
    this.sumOf(run.task)[state] += 1
    if (typeof run.until === 'string') run.free = true
  }

  /** It waits again, unless a later one with its key is to be the last. */
  again (run: Was, due_at: number, more: Partial<Was> = {}): void {
    if (run.displaced) return this.over(run, 'skipped', { ...more, reason: 'replaced' })
    Object.assign(run, { state: 'queued', owner: null, lease_until: null, child: null, finished_at: null, due_at, ...more })
  }

  /** What follows from the ends of others, until nothing does. */
  follow (): void {
    for (let changed = true; changed;) {
      changed = false
      for (const run of this.runs) {
        for (const link of run.links) {
          const state = this.find(link.id)?.state
          if (link.counted === null && state && isFinal(state)) link.counted = state
        }
        if (run.state !== 'blocked') continue
        const met = run.links.map(({ condition, counted }) => counted === null ? null : condition === 'done' || condition === counted)
        if (met.includes(false)) this.over(run, 'skipped', { reason: 'dependency_failed' })
        else if (!met.includes(null)) Object.assign(run, { state: 'queued', due_at: Math.max(run.due_at, this.now) })
        changed ||= run.state !== 'blocked'
      }
    }
  }

  due (now = this.now): Was[] {
    return this.runs.filter(({ state, due_at }) => state === 'queued' && due_at <= now).toSorted(before)
  }

  claim ({ limit, room, owner, lease_until }: { limit: number, room: Room, owner: string, lease_until: number }): Was[] {
    const taken: Was[] = []
    const has = (name: 'task' | 'queue' | 'priority', run: Was, most = Infinity) => taken.filter(other => other[name] === run[name]).length < most
    for (const run of this.due()) {
      const { tasks, queues = {}, priorities = {} } = room
      if (taken.length < limit && has('task', run, tasks[run.task] ?? 0) && has('queue', run, queues[run.queue]) && has('priority', run, priorities[run.priority])) taken.push(run)
    }
    if (taken.length === limit) taken.push(...this.#ahead(taken, room))
    for (const run of taken) {
      Object.assign(run, { state: 'running', attempt: run.attempt + 1, turn: run.turn + 1, owner, lease_until, started_at: this.now, reason: null, child: null, open: false })
      if (run.until === 'started') run.free = true
    }
    return taken
  }

  /** Beyond the limit: of each task so many, up to the first that has seen a crash, from queues and priorities that are not limited. */
  #ahead (taken: Was[], { ahead = {}, queues = {}, priorities = {} }: Room): Was[] {
    const left = new Map(Object.entries(ahead))
    return this.due().filter(run => !taken.includes(run)).filter(({ task, queue, priority, crashes }) => {
      const count = left.get(task) ?? 0
      if (count < 1 || queue in queues || priority in priorities) return false
      left.set(task, crashes > 0 ? 0 : count - 1)
      return crashes === 0
    })
  }

  /** True when the lease holds. */
  settle (run: Was, turn: number, { outcome, used, lines, begun }: { outcome: Outcome, used: Used | null, lines: string[], begun: boolean }): boolean {
    if (run.state !== 'running' || run.turn !== turn) return false
    run.lines.push(...lines)
    if (used) this.#use(run, used)
    this.#end(run, outcome)
    if (!isFinal(run.state) && begun) run.attempts.push({ turn, outcome: outcome.kind })
    return true
  }

  #use (run: Was, { cpu_seconds: cpu, memory_peak_bytes: memory }: Used): void {
    run.used = { cpu_seconds: cpu + (run.used?.cpu_seconds ?? 0), memory_peak_bytes: Math.max(memory, run.used?.memory_peak_bytes ?? 0), read_bytes: null, written_bytes: null }
    this.sumOf(run.task).cpu += cpu
  }

  #end (run: Was, outcome: Outcome): void {
    if (outcome.kind === 'completed') return this.over(run, 'completed', { error: null, result: outcome.result })
    if (outcome.kind === 'skipped' || outcome.kind === 'cancelled') return this.over(run, outcome.kind, { reason: outcome.reason.code })
    const error = outcome.kind === 'failed' ? outcome.error.message : run.error
    if (run.cancel !== null) return this.over(run, 'cancelled', { error, reason: run.cancel })
    if (outcome.kind === 'postponed') return this.again(run, outcome.due_at, { attempt: run.attempt - 1, reason: outcome.reason.code })
    if (outcome.retry_at === null || run.attempt > run.max_retries) return this.over(run, 'failed', { error, reason: outcome.reason?.code ?? null })
    this.again(run, outcome.retry_at, { error })
    if (run.state === 'queued') this.sumOf(run.task).retries += 1
  }

  cancel (run: Was, code: string): void {
    if (isWaiting(run)) this.over(run, 'cancelled', { reason: code })
    else if (run.state === 'running') run.cancel ??= code
  }

  retry (run: Was, due_at: number): void {
    if (!isFinal(run.state)) return
    if (run.turn > 0 && run.attempts.at(-1)?.turn !== run.turn) run.attempts.push({ turn: run.turn, outcome: run.state })
    if (run.state === 'completed') run.checkpoint = null
    run.displaced = false
    const deadline_at = run.deadline_at === null ? null : due_at + Math.max(0, run.deadline_at - run.nominal_at)
    this.again(run, due_at, { attempt: 0, crashes: 0, cancel: null, reason: null, error: null, result: null, deadline_at })
    if (typeof run.until === 'string' && !this.runs.some(other => other !== run && other.task === run.task && other.key === run.key && !other.free)) run.free = false
  }

  recover ({ restart, crash_cap: cap, owner }: Pick<RecoverAsk, 'restart' | 'crash_cap' | 'owner'>): void {
    for (const run of this.runs) {
      if (run.state !== 'running' || run.owner === owner) continue
      const { child } = run
      run.attempts.push({ turn: run.turn, outcome: 'crashed' })
      Object.assign(run, { attempt: run.attempt - 1, crashes: run.crashes + 1 })
      if (run.cancel !== null) this.over(run, 'cancelled', { reason: run.cancel, child })
      else if (restart === 'fail') this.over(run, 'failed', { reason: 'interrupted', child })
      else if (run.crashes >= cap) this.over(run, 'failed', { reason: 'crashed', child })
      else this.again(run, run.due_at, { reason: 'crashed', child })
    }
  }

  remove (run: Was): void {
    this.runs = this.runs.filter(other => other !== run)
    for (const other of this.runs) {
      if (isFinal(other.state)) continue
      for (const link of other.links) if (link.id === run.id) link.result = run.result
    }
  }
}
