import { Heap } from './heap.ts'
import type { Item } from './heap.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { Trigger } from '../../model/trigger.ts'

export interface Entry {
  schedule: Schedule
  trigger: Trigger
}

/** All schedules, indexed by id, by task and by next fire. */
export class Timetable {
  readonly #entries = new Map<string, Entry & Item>()
  readonly #heap = new Heap<Entry & Item>()
  readonly #leadMs: number
  /** Schedules that were added at run time, by task. */
  readonly #made = new Map<string, Set<string>>()

  /** `leadMs`: how long before its instant `take` returns a fire. */
  constructor (leadMs = 0) {
    this.#leadMs = leadMs
  }

  /** The next instant at which something fires, or null. */
  get nextAt (): number | null {
    return this.#heap.first?.schedule.next_at ?? null
  }

  /** The next instant at which `take` returns something, or null. */
  get wakeAt (): number | null {
    return this.#heap.first?.at ?? null
  }

  get all (): Iterable<Entry> {
    return this.#entries.values()
  }

  get (id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** The schedules of one task, the one of its definition first. */
  of (task: string): Entry[] {
    const own = this.#entries.get(task)
    const made = this.#made.get(task)
    const first = own?.schedule.origin === 'file' ? [own] : []
    return made === undefined ? first : [...first, ...Array.from(made, id => this.#entries.get(id)!)]
  }

  set ({ schedule, trigger }: Entry): void {
    const { id, task, origin } = schedule
    const known = this.#entries.get(id)
    if (known === undefined) this.#entries.set(id, { schedule, trigger, at: 0, place: -1 })
    else {
      known.schedule = schedule
      known.trigger = trigger
    }
    this.wait(id)
    if (origin !== 'api') return
    const made = this.#made.get(task) ?? new Set()
    this.#made.set(task, made.add(id))
  }

  /** Makes a schedule wait until `leadMs` before its next fire. */
  wait (id: string, leadMs = this.#leadMs): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    const { next_at: at } = entry.schedule
    this.#heap.set(entry, at === null ? null : at - leadMs)
  }

  /** Makes a schedule wait until another instant, epoch ms; null: for ever. */
  waitUntil (id: string, at: number | null): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#heap.set(entry, at)
  }

  delete (id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    const { task } = entry.schedule
    const made = this.#made.get(task)
    if (made?.delete(id) && made.size === 0) this.#made.delete(task)
    this.#entries.delete(id)
    this.#heap.set(entry, null)
  }

  /** Removes and returns the schedules that are due now or within the lead, earliest first. They wait again after
   *  `set`, `wait` or `waitUntil`. */
  take (now: number): Entry[] {
    return this.#heap.take(now)
  }
}
