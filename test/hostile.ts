/** Values that a task may hand over by mistake or on purpose, as JavaScript expressions: a task file has its own,
 *  wherever it runs. */
export const HOSTILE: Record<string, string> = {
  undefined: 'undefined',
  null: 'null',
  nan: 'NaN',
  infinity: '-Infinity',
  negative: '-1e308',
  bigint: '10n ** 400n',
  symbol: 'Symbol("s")',
  func: '() => 1',
  text: '"a\\u0000b\\ud800\\u001b[31m"',
  long: '"x".repeat(5_000_000)',
  error: 'new Error("low")',
  rawToString: '({ toString () { throw new Error("no text") } })',
  primitive: '({ [Symbol.toPrimitive] () { throw new Error("no primitive") } })',
  objectText: '({ toString: () => ({}), valueOf: () => ({}) })',
  toJSON: '({ toJSON () { throw new Error("no JSON") } })',
  toJSONs: '(() => { const make = () => ({ toJSON: () => ({ next: make() }) }); return make() })()',
  inspects: '({ [Symbol.for("nodejs.util.inspect.custom")] () { throw new Error("no look") } })',
  getter: '({ get a () { throw new Error("no a") } })',
  getters:
    'Object.defineProperties(new Error("x"), Object.fromEntries(["name", "message", "stack", "code", "cause"].map(' +
    'key => [key, { get () { throw new Error("no " + key) } }])))',
  proxy: 'new Proxy({}, { get () { throw new Error("no get") }, has () { throw 1 }, ownKeys () { throw 2 }, ' +
    'getPrototypeOf () { throw 3 }, getOwnPropertyDescriptor () { throw 4 } })',
  revoked: '(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()',
  revokedCall: '(() => { const { proxy, revoke } = Proxy.revocable(() => 1, {}); revoke(); return proxy })()',
  proxyList: 'new Proxy([], { get: (list, key) => key === "length" ? 2 ** 32 : undefined })',
  mirror: '(() => { const it = new Proxy(() => it, { get: (_, key) => ' +
    'key === "then" || key === Symbol.toPrimitive ? undefined : it }); return it })()',
  circular: '(() => { const a = {}; a.a = a; return a })()',
  friends: '(() => { const all = Array.from({ length: 10 }, () => ({})); ' +
    'for (const one of all) one.all = all; return all })()',
  deep: '(() => { let a = []; for (let n = 0; n < 1e5; n++) a = [a]; return a })()',
  sparse: 'new Array(2 ** 32 - 1)',
  typed: 'new Uint8Array(1e6)',
  map: 'new Map(Array.from({ length: 1e4 }, (_, n) => [n, n]))',
  keys: 'Object.fromEntries(Array.from({ length: 1e4 }, (_, n) => ["k" + n, n]))',
  proto: 'JSON.parse(\'{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}\')',
  bare: 'Object.create(null)',
  frozen: 'Object.freeze({ a: 1 })',
  date: 'new Date(NaN)',
  regexp: '/x/g',
  thenGetter: '({ get then () { throw new Error("no then") } })',
  thenThrows: '({ then () { throw new Error("then threw") } })',
  thenTwice: '({ then (ok, no) { ok(1); ok(2); no(new Error("late")) } })',
  promise: 'Promise.resolve(1)',
  generator: '(function * () { yield 1 })()',
  weak: 'new WeakMap()',
  buffer: 'Buffer.alloc(1e6)',
  aggregate: 'new AggregateError(Array.from({ length: 1e4 }, () => new Error("e")), "many")',
  causes: 'Array.from({ length: 1e4 }).reduce(cause => new Error("e", { cause }), new Error("first"))',
  itself: '(() => { const e = new Error("c"); e.cause = e; return e })()',
  message: 'new Error("m".repeat(1_000_000))',
  named: 'Object.assign(new Error("x"), { name: Symbol("n"), code: { a: 1 }, message: 7, stack: {} })',
  url: 'new URL("http://a/b?c")',
  args: '(function () { return arguments })(1, 2)',
  module: 'process',
  global: 'globalThis'
}

/** The table as the text of an object of functions. */
export const hostileText = (): string =>
  `{ ${Object.entries(HOSTILE).map(([name, text]) => `${name}: () => (${text})`).join(',\n')} }`
