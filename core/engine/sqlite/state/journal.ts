const ABSENT = Symbol('absent')
const WORK = Symbol('work')

/** Undoes the changes of memory when a transaction is rolled back. Outside a transaction nothing is journaled: what is
 *  read into memory then equals the rows. */
export class Journal {
  /** Three elements for each change: the target, the key, the previous value. */
  readonly #notes: unknown[] = []
  #active = false

  begin (): void {
    this.#notes.length = 0
    this.#active = true
  }

  end (): void {
    this.#notes.length = 0
    this.#active = false
  }

  /** Rises with each change since `begin`. */
  get size (): number {
    return this.#notes.length
  }

  set<T extends object, K extends keyof T> (target: T, key: K, value: T[K]): void {
    if (this.#active) this.#notes.push(target, key, target[key])
    target[key] = value
  }

  put<K, V> (map: Map<K, V>, key: K, value: V): void {
    if (this.#active) this.#notes.push(map, key, map.has(key) ? map.get(key) : ABSENT)
    map.set(key, value)
  }

  drop<K, V> (map: Map<K, V>, key: K): void {
    if (!map.has(key)) return
    if (this.#active) this.#notes.push(map, key, map.get(key))
    map.delete(key)
  }

  join<T> (set: Set<T>, value: T): void {
    if (set.has(value)) return
    if (this.#active) this.#notes.push(set, value, false)
    set.add(value)
  }

  leave<T> (set: Set<T>, value: T): void {
    if (!set.delete(value) || !this.#active) return
    this.#notes.push(set, value, true)
  }

  /** Journals a change with its own undo function. */
  note (undo: () => void): void {
    if (this.#active) this.#notes.push(WORK, undo, undefined)
  }

  /** Undoes all changes, last one first. */
  undo (): void {
    for (let place = this.#notes.length - 3; place >= 0; place -= 3) {
      putBack(this.#notes[place], this.#notes[place + 1], this.#notes[place + 2])
    }
    this.end()
  }
}

function putBack (target: unknown, key: unknown, before: unknown): void {
  if (target === WORK) return (key as () => void)()
  if (target instanceof Map) return void (before === ABSENT ? target.delete(key) : target.set(key, before))
  if (target instanceof Set) return void (before === true ? target.add(key) : target.delete(key))
  ;(target as Record<PropertyKey, unknown>)[key as PropertyKey] = before
}
