/** What all code of the process works with, that of the server too. */
const NAMES = [
  'Object',
  'Function',
  'Array',
  'String',
  'Number',
  'Boolean',
  'BigInt',
  'Symbol',
  'Error',
  'TypeError',
  'RangeError',
  'RegExp',
  'Date',
  'Promise',
  'Proxy',
  'Map',
  'Set',
  'WeakMap',
  'WeakSet',
  'Uint8Array',
  'JSON',
  'Math',
  'Reflect',
  'Atomics',
  'Intl',
  'Temporal',
  'Buffer',
  'process',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'queueMicrotask',
  'structuredClone',
  'performance',
  'AbortController',
  'AbortSignal',
  'URL',
  'TextEncoder',
  'TextDecoder'
] as const

function fixed (holder: object, name: string): void {
  Object.defineProperty(holder, name, {
    value: (holder as Record<string, unknown>)[name],
    writable: false,
    configurable: false
  })
}

/** Keeps tasks from replacing what the server works with, or adding to every object there is: in strict code, as every
 *  module is, that throws. It is for the process of offpeak alone, where no test or program of somebody else has
 *  patches of its own; it cannot be undone. */
export function fixGlobals (): void {
  for (const name of NAMES) if (name in globalThis) fixed(globalThis, name)
  fixed(Date, 'now')
  for (const space of [JSON, Math, Reflect, Atomics]) Object.freeze(space)
  // A property of every object would be in everything that is sent and stored.
  Object.preventExtensions(Object.prototype)
}
