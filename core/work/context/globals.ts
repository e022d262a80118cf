/** Globals that all code of the process uses, including the server. */
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

/** Keeps tasks from replacing globals or extending `Object.prototype`: in strict code, which modules are, such an
 *  assignment throws. Use it only in offpeak's own process, because tests and other programs may patch globals; it
 *  cannot be undone. */
export function fixGlobals (): void {
  for (const name of NAMES) if (name in globalThis) fixed(globalThis, name)
  fixed(Date, 'now')
  for (const space of [JSON, Math, Reflect, Atomics]) Object.freeze(space)
  // A property of `Object.prototype` would appear in everything that is sent and stored.
  Object.preventExtensions(Object.prototype)
}
