import { types } from 'node:util'
import { cut } from './text.ts'

// TypeScript does not declare it yet.
export const { isRawJSON } = JSON as unknown as { isRawJSON: (value: unknown) => value is { rawJSON: string } }

const sizeOf = (prototype: object) => Object.getOwnPropertyDescriptor(prototype, 'size')!.get as () => number
export const mapSize = sizeOf(Map.prototype)
export const setSize = sizeOf(Set.prototype)

/** Values without readable content, with their names for messages. */
export const EMPTY: readonly [(value: unknown) => boolean, string][] = [
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

/** True for an object whose prototype is Object.prototype or null. */
export function isPlain (value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || (prototype === null && !isRawJSON(value))
}

/** The message of any thrown value. */
export function messageOf (error: unknown): string {
  try {
    return cut(String((error as Error | null | undefined)?.message ?? error), 200)
  } catch {
    return 'it throws when it is read'
  }
}
