import { types } from 'node:util'
import { pointerOf } from './frame.ts'
import type { Frame, Key } from './frame.ts'
import { EMPTY, isPlain, isRawJSON, mapSize, messageOf, setSize } from './values.ts'
import type { Json, JsonFault, JsonLimits } from './json-limits.ts'

type Holder = Record<Key, unknown>
type Unfit = bigint | symbol | (() => unknown)

interface Found {
  kind?: JsonFault['kind']
  key: Key
  frame: Frame | null
  detail: string
}

const MOST_FAULTS = 10
/** Maximum number of parts that throw: an exception costs far more than reading a value. */
const MOST_UNREADABLE = 100
/** Formatting a larger BigInt takes long. */
const LARGEST_BIGINT = 10n ** 1000n
const STOP = Symbol('stop')

/** Converts one value and counts its bytes; it stops reading at the limits. */
export class JsonWalk {
  readonly faults: JsonFault[] = []
  readonly #limits: JsonLimits
  readonly #isStrict: boolean
  /** Bytes of the text: at least, and at most. */
  #least = 0
  #most = 0
  #visits = 0
  #unreadable = 0
  /** The open containers by depth; entries beyond the current depth are stale. */
  readonly #open: object[] = []

  constructor (limits: JsonLimits, mode: 'strict' | 'loose') {
    this.#limits = limits
    this.#isStrict = mode === 'strict'
  }

  /** Bytes of the text, at least. */
  get bytes (): number {
    return this.#least
  }

  run (value: unknown): Json {
    try {
      const json = this.#convert({ '': value }, '', null) ?? null
      if (this.#most > this.#limits.bytes) this.#measure(json)
      return json
    } catch (error) {
      // Also a stack overflow in a getter or in toJSON.
      if (error !== STOP) {
        this.faults.push({ kind: 'unreadable', pointer: '', detail: `cannot be read: ${messageOf(error)}` })
      }
      return null
    }
  }

  #measure (json: Json): void {
    const bytes = Buffer.byteLength(JSON.stringify(json))
    if (bytes > this.#limits.bytes) this.#tooLarge(String(bytes))
  }

  #add (least: number, most: number): void {
    this.#least += least
    this.#most += most
    this.#visits++
    // A property that is undefined takes no bytes, but time.
    if (this.#least > this.#limits.bytes || this.#visits > this.#limits.bytes + 1000) {
      this.#tooLarge(`at least ${Math.max(this.#least, this.#limits.bytes + 1)}`)
    }
  }

  /** Stops before it reads `count` entries that cannot fit. */
  #expect (count: number, each: number): void {
    const least = this.#least + count * each
    if (least > this.#limits.bytes) this.#tooLarge(`at least ${least}`)
  }

  #tooLarge (bytes: string): never {
    return this.#giveUp({
      kind: 'bytes',
      pointer: '',
      detail: `is ${bytes} bytes of JSON, and at most ${this.#limits.bytes} may be kept`
    })
  }

  /** Notes the fault and ends the walk without a value. */
  #giveUp (fault: JsonFault): never {
    this.faults.unshift(fault)
    throw STOP
  }

  #isWithin (value: object, depth: number): boolean {
    for (let at = 0; at < depth; at++) if (this.#open[at] === value) return true
    return false
  }

  /** Notes a fault; in strict mode the first one ends the walk. */
  #fault ({ kind = 'value', key, frame, detail }: Found): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push({ kind, pointer: pointerOf(key, frame), detail })
    if (this.#isStrict) throw STOP
  }

  /** Notes the fault and returns the text that replaces the value. */
  #instead (words: string, found: Found): Json {
    this.#fault(found)
    return this.#text(words)
  }

  #convert (holder: Holder, key: Key, frame: Frame | null): Json | undefined {
    try {
      return this.#value(holder[key], key, frame)
    } catch (error) {
      if (error === STOP) throw error
      if (++this.#unreadable > MOST_UNREADABLE) {
        this.#giveUp({
          kind: 'unreadable',
          pointer: '',
          detail: `cannot be read: more than ${MOST_UNREADABLE} of its parts throw`
        })
      }
      return this.#instead('[unreadable]', {
        kind: 'unreadable',
        key,
        frame,
        detail: this.faults.length < MOST_FAULTS ? `cannot be read: ${messageOf(error)}` : ''
      })
    }
  }

  #value (value: unknown, key: Key, frame: Frame | null): Json | undefined {
    if (typeof value === 'string') return this.#text(value)
    if (value === null || typeof value === 'boolean') {
      this.#add(4, 5)
      return value
    }
    if (typeof value === 'number') return this.#number(value, key, frame)
    if (value === undefined) return undefined
    const made = this.#ownJson(value, key)
    if (made !== value) {
      return typeof made === 'object' && made !== null
        ? this.#object(made, key, frame)
        : this.#made(made, key, frame)
    }
    if (typeof value === 'object') return this.#object(value, key, frame)
    return this.#unfit(value as Unfit, key, frame)
  }

  /** The result of `toJSON`, or the value when it has none. */
  #ownJson (value: unknown, key: Key): unknown {
    if (typeof value === 'symbol') return value
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON !== 'function') return value
    // The JSON of a Buffer is many times as large as the buffer.
    if (ArrayBuffer.isView(value)) this.#expect(value.byteLength, 2)
    return toJSON.call(value, String(key)) as unknown
  }

  /** Converts a result of `toJSON`, whose own `toJSON` does not count. */
  #made (value: unknown, key: Key, frame: Frame | null): Json | undefined {
    if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') {
      return this.#unfit(value as Unfit, key, frame)
    }
    return this.#value(value, key, frame)
  }

  #text (text: string): string {
    this.#add(text.length + 2, 6 * text.length + 2)
    return text
  }

  #number (value: number, key: Key, frame: Frame | null): Json {
    if (!Number.isFinite(value)) {
      return this.#instead(String(value), { key, frame, detail: `is ${value}, which JSON does not have` })
    }
    this.#add(1, 25)
    // JSON has no negative zero.
    return value + 0
  }

  #unfit (value: Unfit, key: Key, frame: Frame | null): Json | undefined {
    if (typeof value === 'bigint') return this.#bigint(value, key, frame)
    this.#fault({ key, frame, detail: `is a ${typeof value}, which JSON does not have` })
    return undefined
  }

  /** In loose mode a BigInt becomes its digits. */
  #bigint (value: bigint, key: Key, frame: Frame | null): Json {
    const isHuge = value > LARGEST_BIGINT || value < -LARGEST_BIGINT
    if (this.#isStrict || isHuge) {
      return this.#instead('[a BigInt]', {
        key,
        frame,
        detail: 'is a BigInt, which JSON does not have: use a number or text'
      })
    }
    return this.#text(String(value))
  }

  #object (value: object, key: Key, frame: Frame | null): Json | undefined {
    const depth = frame === null ? 0 : frame.depth
    if (this.#isWithin(value, depth)) {
      return this.#instead('[circular]', { key, frame, detail: 'is circular: it contains itself' })
    }
    if (depth >= this.#limits.depth) {
      return this.#instead('[too deep]', {
        kind: 'depth',
        key,
        frame,
        detail: `is nested deeper than ${this.#limits.depth} levels`
      })
    }
    this.#open[depth] = value
    const inner = { value, key, depth: depth + 1, outer: frame }
    // Two brackets, and one comma fewer than entries.
    this.#add(1, 2)
    if (Array.isArray(value)) return this.#list(value, inner)
    // Listing the keys of a Proxy runs code of the task.
    if (types.isProxy(value)) {
      return this.#instead('[a Proxy]', { key, frame, detail: 'is a Proxy: hand over a copy of it, such as { ...it }' })
    }
    return isPlain(value) ? this.#fields(value, inner) : this.#special(value, key, inner)
  }

  #special (value: object, key: Key, inner: Frame): Json | undefined {
    if (types.isMap(value)) {
      this.#expect(mapSize.call(value), 6)
      return this.#entries(Map.prototype.entries.call(value), inner)
    }
    if (types.isSet(value)) {
      this.#expect(setSize.call(value), 2)
      return this.#entries(Set.prototype.values.call(value), inner)
    }
    if (types.isTypedArray(value)) return this.#list(value as unknown as unknown[], inner)
    if (types.isBoxedPrimitive(value)) return this.#made(value.valueOf(), key, inner.outer)
    if (isRawJSON(value)) return this.#made(JSON.parse(value.rawJSON), key, inner.outer)
    const empty = EMPTY.find(([isIt]) => isIt(value))
    if (empty !== undefined) {
      const words = types.isRegExp(value) ? String(value) : `[${empty[1].split(':')[0]}]`
      return this.#instead(words, { key, frame: inner.outer, detail: `is ${empty[1]}` })
    }
    // The name and the message of an error are not enumerable.
    return value instanceof Error
      ? {
        name: this.#text(String(value.name)),
        message: this.#text(String(value.message)),
        ...this.#fields(value, inner)
      }
      : this.#fields(value, inner)
  }

  #list (items: ArrayLike<unknown>, inner: Frame): Json[] {
    const { length } = items
    this.#expect(length, 2)
    const list: Json[] = []
    for (let index = 0; index < length; index++) {
      this.#add(1, 5)
      list.push(this.#convert(items as unknown as Holder, index, inner) ?? null)
    }
    return list
  }

  #entries (entries: Iterable<unknown>, inner: Frame): Json[] {
    const list: Json[] = []
    for (const item of entries) {
      this.#add(1, 5)
      list.push(this.#convert({ [list.length]: item }, list.length, inner) ?? null)
    }
    return list
  }

  #fields (value: object, inner: Frame): { [key: string]: Json } {
    const plain: { [key: string]: Json } = {}
    // V8 lists all keys of an object at once, quickly; reading the values is what takes time.
    const keys = Object.keys(value)
    const most = this.#limits.bytes / 4
    if (keys.length > most) {
      this.#giveUp({
        kind: 'bytes',
        pointer: '',
        detail: `has an object with ${keys.length} keys, and at most ${most} may be kept`
      })
    }
    for (const key of keys) {
      // Assigning to this key would set the prototype.
      if (key !== '__proto__') this.#field(plain, value as Holder, { key, inner })
    }
    return plain
  }

  #field (plain: { [key: string]: Json }, holder: Holder, { key, inner }: { key: string, inner: Frame }): void {
    const json = this.#convert(holder, key, inner)
    this.#add(json === undefined ? 0 : key.length + 4, 6 * key.length + 4)
    if (json !== undefined) plain[key] = json
  }
}
