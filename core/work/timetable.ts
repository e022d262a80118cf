import { Heap } from './heap.ts'
import type { Schedule } from '../model/schedule.ts'
import type { Trigger } from '../model/trigger.ts'

export interface Entry { schedule: Schedule, trigger: Trigger }

/** Every schedule by id, by task and by its next fire. */
export class Timetable {
  readonly #entries = new Map<string, Entry>()
  readonly #heap = new Heap()
  /** Schedules made at run time, by task. */
  readonly #made = new Map<string, Set<string>>()

  /** The next instant at which something fires, or null. */
  get nextAt (): number | null {
    return this.#heap.first
  }

  get all (): Iterable<Entry> {
    return this.#entries.values()
  }

  get (id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** The schedules of one task, that of its definition first. */
  of (task: string): Entry[] {
    const own = this.#entries.get(task)
    const made = this.#made.get(task)
    const first = own?.schedule.origin === 'file' ? [own] : []
    return made === undefined ? first : [...first, ...Array.from(made, id => this.#entries.get(id)!)]
  }

  set (entry: Entry): void {
    const { id, task, origin } = entry.schedule
    this.#entries.set(id, entry)
    this.wait(entry)
    if (origin !== 'api') return
    const made = this.#made.get(task) ?? new Set()
    this.#made.set(task, made.add(id))
  }

  /** Lets a schedule wait for its next fire. */
  wait ({ schedule: { id, next_at: at } }: Entry): void {
    this.#heap.set(id, at)
  }

  delete (id: string): void {
    const task = this.#entries.get(id)?.schedule.task
    if (task !== undefined) this.#made.get(task)?.delete(id)
    this.#entries.delete(id)
    this.#heap.set(id, null)
  }

  /** Takes out what is due, earliest first: it waits again once it is set or told to. */
  take (now: number): Entry[] {
    return this.#heap.take(now).map(id => this.#entries.get(id)!)
  }
}
