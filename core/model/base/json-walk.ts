import { types } from 'node:util'

/** Plain JSON, as it is stored and sent. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** `bytes`: of the UTF-8 text; `depth`: of nested arrays and objects. */
export interface JsonLimits { bytes: number, depth: number }

/** Why a value cannot be JSON, and where: `bytes` it is too large, `depth` it is nested too deeply, `value` JSON has no such value,
 *  `unreadable` reading it throws. */
export interface JsonFault { kind: 'bytes' | 'depth' | 'value' | 'unreadable', pointer: string, detail: string }

/** A container that is being converted, and the one that it lies in. */
interface Frame { value: object, key: Key, depth: number, outer: Frame | null }

type Key = string | number
type Holder = Record<Key, unknown>
type Unfit = bigint | symbol | (() => unknown)

// TypeScript does not know it yet.
const { isRawJSON } = JSON as unknown as { isRawJSON: (value: unknown) => value is { rawJSON: string } }

interface Found { kind?: JsonFault['kind'], key: Key, frame: Frame | null, detail: string }

const MOST_FAULTS = 10
/** The digits of larger ones take long to compute. */
const LARGEST_BIGINT = 10n ** 1000n
const STOP = Symbol('stop')

/** What has no content that can be read, in words. */
const EMPTY: readonly [(value: unknown) => boolean, string][] = [
  [types.isPromise, 'a Promise: is an await missing?'], [types.isAnyArrayBuffer, 'an ArrayBuffer'], [types.isDataView, 'a DataView'], [types.isWeakMap, 'a WeakMap'],
  [types.isWeakSet, 'a WeakSet'], [types.isGeneratorObject, 'a generator'], [types.isMapIterator, 'an iterator'], [types.isSetIterator, 'an iterator'], [types.isRegExp, 'a RegExp']
]

const escaped = (key: Key) => String(key).replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 200)

function pointerOf (key: Key, frame: Frame | null): string {
  if (frame === null) return ''
  const keys = [escaped(key)]
  for (let one: Frame | null = frame; one !== null && one.outer !== null; one = one.outer) keys.push(escaped(one.key))
  return `/${keys.toReversed().join('/')}`
}

function isWithin (value: object, frame: Frame | null): boolean {
  for (let one = frame; one !== null; one = one.outer) if (one.value === value) return true
  return false
}

function isPlain (value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || (prototype === null && !isRawJSON(value))
}

function messageOf (error: unknown): string {
  try {
    return String((error as Error | null | undefined)?.message ?? error).slice(0, 200)
  } catch {
    return 'it throws when it is read'
  }
}

/** Converts one value, counting as it goes: what is read ends with the limits, whatever the value is. */
export class JsonWalk {
  readonly faults: JsonFault[] = []
  readonly #limits: JsonLimits
  readonly #isStrict: boolean
  /** Of the text: at least, and at most. */
  #least = 0
  #most = 0
  #visits = 0

  constructor (limits: JsonLimits, mode: 'strict' | 'loose') {
    this.#limits = limits
    this.#isStrict = mode === 'strict'
  }

  run (value: unknown): Json {
    try {
      const json = this.#convert({ '': value }, '', null) ?? null
      if (this.#most > this.#limits.bytes) this.#measure(json)
      return json
    } catch (error) {
      // Also what runs out of stack while it is called at the end of one.
      if (error !== STOP) this.faults.push({ kind: 'unreadable', pointer: '', detail: `cannot be read: ${messageOf(error)}` })
      return null
    }
  }

  /** Throws when the text is longer than the limit. */
  #measure (json: Json): void {
    const bytes = Buffer.byteLength(JSON.stringify(json))
    if (bytes > this.#limits.bytes) this.#tooLarge(String(bytes))
  }

  #add (least: number, most: number): void {
    this.#least += least
    this.#most += most
    this.#visits++
    // What takes no bytes, such as a property that is undefined, takes time.
    if (this.#least > this.#limits.bytes || this.#visits > this.#limits.bytes + 1000) this.#tooLarge(`at least ${Math.max(this.#least, this.#limits.bytes + 1)}`)
  }

  /** Stops before `count` entries are read that cannot fit. */
  #expect (count: number, each: number): void {
    const least = this.#least + count * each
    if (least > this.#limits.bytes) this.#tooLarge(`at least ${least}`)
  }

  #tooLarge (bytes: string): never {
    this.faults.unshift({ kind: 'bytes', pointer: '', detail: `is ${bytes} bytes of JSON, and at most ${this.#limits.bytes} may be kept` })
    throw STOP
  }

  /** Notes a fault; strictly, that is the end. */
  #fault ({ kind = 'value', key, frame, detail }: Found): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push({ kind, pointer: pointerOf(key, frame), detail })
    if (this.#isStrict) throw STOP
  }

  /** Words in the place of a value, and the fault. */
  #instead (words: string, found: Found): Json {
    this.#fault(found)
    return this.#text(words)
  }

  #convert (holder: Holder, key: Key, frame: Frame | null): Json | undefined {
    try {
      return this.#value(holder[key], key, frame)
    } catch (error) {
      if (error === STOP) throw error
      return this.#instead('[unreadable]', { kind: 'unreadable', key, frame, detail: `cannot be read: ${messageOf(error)}` })
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
    if (made !== value) return typeof made === 'object' && made !== null ? this.#object(made, key, frame) : this.#made(made, key, frame)
    if (typeof value === 'object') return this.#object(value, key, frame)
    return this.#unfit(value as Unfit, key, frame)
  }

  /** What the value itself says that its JSON is. */
  #ownJson (value: unknown, key: Key): unknown {
    if (typeof value === 'symbol') return value
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON !== 'function') return value
    // A Buffer would become a list that is many times as large.
    if (ArrayBuffer.isView(value)) this.#expect(value.byteLength, 2)
    return toJSON.call(value, String(key)) as unknown
  }

  /** What `toJSON` has returned is not asked again. */
  #made (value: unknown, key: Key, frame: Frame | null): Json | undefined {
    if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return this.#unfit(value as Unfit, key, frame)
    return this.#value(value, key, frame)
  }

  #text (text: string): string {
    this.#add(text.length + 2, 6 * text.length + 2)
    return text
  }

  #number (value: number, key: Key, frame: Frame | null): Json {
    if (!Number.isFinite(value)) return this.#instead(String(value), { key, frame, detail: `is ${value}, which JSON does not have` })
    this.#add(1, 25)
    // JSON has no negative zero.
    return value + 0
  }

  #unfit (value: Unfit, key: Key, frame: Frame | null): Json | undefined {
    if (typeof value === 'bigint') return this.#bigint(value, key, frame)
    this.#fault({ key, frame, detail: `is a ${typeof value}, which JSON does not have` })
    return undefined
  }

  /** Loosely its digits are what it is. */
  #bigint (value: bigint, key: Key, frame: Frame | null): Json {
    const isHuge = value > LARGEST_BIGINT || value < -LARGEST_BIGINT
    if (this.#isStrict || isHuge) return this.#instead('[a BigInt]', { key, frame, detail: 'is a BigInt, which JSON does not have: use a number or text' })
    return this.#text(String(value))
  }

  #object (value: object, key: Key, frame: Frame | null): Json | undefined {
    const depth = frame === null ? 0 : frame.depth
    if (isWithin(value, frame)) return this.#instead('[circular]', { key, frame, detail: 'is circular: it contains itself' })
    if (depth >= this.#limits.depth) {
      return this.#instead('[too deep]', { kind: 'depth', key, frame, detail: `is nested deeper than ${this.#limits.depth} levels` })
    }
    const inner = { value, key, depth: depth + 1, outer: frame }
    // With the two brackets, and a comma less than there are entries.
    this.#add(1, 2)
    if (Array.isArray(value)) return this.#list(value, inner)
    return isPlain(value) ? this.#fields(value, inner) : this.#special(value, key, inner)
  }

  #special (value: object, key: Key, inner: Frame): Json | undefined {
    if (types.isMap(value)) return this.#entries(Map.prototype.entries.call(value), inner)
    if (types.isSet(value)) return this.#entries(Set.prototype.values.call(value), inner)
    if (types.isTypedArray(value)) return this.#list(value as unknown as unknown[], inner)
    if (types.isBoxedPrimitive(value)) return this.#made(value.valueOf(), key, inner.outer)
    if (isRawJSON(value)) return this.#made(JSON.parse(value.rawJSON), key, inner.outer)
    const empty = EMPTY.find(([isIt]) => isIt(value))
    if (empty !== undefined) {
      const words = types.isRegExp(value) ? String(value) : `[${empty[1].split(':')[0]}]`
      return this.#instead(words, { key, frame: inner.outer, detail: `is ${empty[1]}` })
    }
    // The two that say what it is are hidden from JSON.
    return value instanceof Error ? { name: this.#text(String(value.name)), message: this.#text(String(value.message)), ...this.#fields(value, inner) } : this.#fields(value, inner)
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
    for (const key of Object.keys(value)) {
      // Assigned, this key would set the prototype.
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
