import { types } from 'node:util'
import { cut } from './text.ts'

/** Plain JSON, as it is stored and sent. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** `bytes`: of the UTF-8 text; `depth`: of nested arrays and objects. */
export interface JsonLimits {
  bytes: number
  depth: number
}

/** Why a value cannot be JSON, and where: `bytes` it is too large, `depth` it is nested too deeply, `value` JSON has no
 *  such value, `unreadable` reading it throws. */
export interface JsonFault {
  kind: 'bytes' | 'depth' | 'value' | 'unreadable'
  pointer: string
  detail: string
}

/** A container that is being converted, and the one that it lies in. */
interface Frame {
  value: object
  key: Key
  depth: number
  outer: Frame | null
}

type Key = string | number
type Holder = Record<Key, unknown>
type Unfit = bigint | symbol | (() => unknown)

// TypeScript does not know it yet.
const { isRawJSON } = JSON as unknown as { isRawJSON: (value: unknown) => value is { rawJSON: string } }

interface Found {
  kind?: JsonFault['kind']
  key: Key
  frame: Frame | null
  detail: string
}

const MOST_FAULTS = 10
/** Of parts that throw when they are read: what throws takes far longer to read than what does not. */
const MOST_UNREADABLE = 100
/** The digits of larger ones take long to compute. */
const LARGEST_BIGINT = 10n ** 1000n
const STOP = Symbol('stop')

const sizeOf = (prototype: object) => Object.getOwnPropertyDescriptor(prototype, 'size')!.get as () => number
const mapSize = sizeOf(Map.prototype)
const setSize = sizeOf(Set.prototype)

/** What has no content that can be read, in words. */
const EMPTY: readonly [(value: unknown) => boolean, string][] = [
  [types.isPromise, 'a Promise: is an await missing?'],
  [types.isAnyArrayBuffer, 'an ArrayBuffer'],
  [types.isDataView, 'a DataView'],
  [types.isWeakMap, 'a WeakMap'],
  [types.isWeakSet, 'a WeakSet'],
  [types.isGeneratorObject, 'a generator'],
  [types.isMapIterator, 'an iterator'],
  [types.isSetIterator, 'an iterator'],
  [types.isRegExp, 'a RegExp']
]

const escaped = (key: Key) => cut(String(key), 200).replaceAll('~', '~0').replaceAll('/', '~1')

function pointerOf (key: Key, frame: Frame | null): string {
  if (frame === null) return ''
  const keys = [escaped(key)]
  for (let one: Frame | null = frame; one !== null && one.outer !== null; one = one.outer) keys.push(escaped(one.key))
  return `/${keys.toReversed().join('/')}`
}

function isPlain (value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || (prototype === null && !isRawJSON(value))
}

function messageOf (error: unknown): string {
  try {
    return cut(String((error as Error | null | undefined)?.message ?? error), 200)
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
  #unreadable = 0
  /** The containers that the one at hand lies in, by depth; what stands behind it is of others. */
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
      // Also what runs out of stack while it is called at the end of one.
      if (error !== STOP) {
        this.faults.push({ kind: 'unreadable', pointer: '', detail: `cannot be read: ${messageOf(error)}` })
      }
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
    // What takes no bytes, such as a property that is undefined, takes time; what takes some takes two, with its comma.
    if (this.#least > this.#limits.bytes || this.#visits > this.#limits.bytes + 1000) {
      this.#tooLarge(`at least ${Math.max(this.#least, this.#limits.bytes + 1)}`)
    }
  }

  /** Stops before `count` entries are read that cannot fit. */
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

  /** The fault is of the whole value, of which nothing is kept. */
  #giveUp (fault: JsonFault): never {
    this.faults.unshift(fault)
    throw STOP
  }

  #isWithin (value: object, depth: number): boolean {
    for (let at = 0; at < depth; at++) if (this.#open[at] === value) return true
    return false
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

  /** Loosely its digits are what it is. */
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
    // With the two brackets, and a comma less than there are entries.
    this.#add(1, 2)
    if (Array.isArray(value)) return this.#list(value, inner)
    // To be asked for its keys is code of the task, and what it answers takes V8 long to check.
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
    // The two that say what it is are hidden from JSON.
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
    // V8 lists the keys of an object all at once or not at all, in a fraction of the time that it took to set them; no
    // more than fit are read.
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
