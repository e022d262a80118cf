import t from 'tap'
import fc from 'fast-check'
import { looseJson, shownJson, strictJson } from '../../core/model/json/json.ts'
import { resultOf } from '../../core/model/run/result.ts'
import { Warned } from '../../core/model/run/outcome.ts'

const LIMITS = { bytes: 1000, depth: 4 }

/** What `JSON.stringify` keeps of a value. */
const kept = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const friends = (count: number) => {
  const all: { id: number, friends?: unknown[] }[] = Array.from({ length: count }, (_, id) => ({ id }))
  for (const one of all) one.friends = all.filter(other => other !== one)
  return all
}

function shared (levels: number): unknown {
  let inner: unknown = {}
  for (let level = 0; level < levels; level++) inner = { a: inner, b: inner }
  return inner
}

function nested (levels: number): unknown {
  let inner: unknown = 0
  for (let level = 0; level < levels; level++) inner = [inner]
  return inner
}

const proxyOf = (keys: number) =>
  new Proxy({}, {
    ownKeys: () => Array.from({ length: keys }, (_, n) => `k${n}`),
    getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true })
  })

const hostile = {
  getter: {
    get a () {
      throw new Error('not mine')
    }
  },
  keys: new Proxy({}, {
    ownKeys () {
      throw new Error('hidden')
    }
  }),
  prototype: new Proxy({}, {
    getPrototypeOf () {
      throw new Error('nobody')
    }
  }),
  toJSON: {
    toJSON () {
      throw new Error('no JSON')
    }
  },
  thrown: {
    toJSON () {
      throw null
    }
  }
}

t.test('JSON is kept as JSON.stringify keeps it, to the character', t => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), value => {
    const text = JSON.stringify(value)
    if (text.includes('"__proto__"')) return true
    const json: unknown = JSON.parse(text)
    return JSON.stringify(strictJson(json).json) === text && JSON.stringify(looseJson(json).json) === text
  }))
  for (const value of ['a\u0000b', '\ud800', '', { '': { 'a/b': [] } }, -0]) {
    t.strictSame(strictJson(value), { json: kept(value), fault: null })
  }
  t.end()
})

t.test('whatever it is, it becomes JSON or a fault, and nothing is thrown [F31]', t => {
  fc.assert(
    fc.property(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withNullPrototype: true,
        withSparseArray: true,
        withTypedArray: true,
        withBoxedValues: true
      }),
      value => {
        const strict = strictJson(value)
        const loose = looseJson(value)
        const isKept = strict.fault === null && JSON.stringify(strict.json) === JSON.stringify(loose.json) &&
          loose.faults.length === 0
        return typeof JSON.stringify(loose.json) === 'string' && (strict.fault !== null || isKept)
      }
    )
  )
  t.end()
})

t.test('what has a JSON of its own is that', t => {
  class Money {
    cents = 5
    toJSON (key: string) {
      return { cents: this.cents, key }
    }
  }
  class Point {
    x = 1
    readonly #hidden = 2
    get y () {
      return this.#hidden
    }
  }
  const values = {
    date: new Date(0),
    none: new Date(NaN),
    url: new URL('http://a/b?c'),
    instant: Temporal.Instant.from('2026-11-30T01:02:03.123456789Z'),
    day: Temporal.PlainDate.from('2026-02-28'),
    length: Temporal.Duration.from('PT1H30M'),
    zoned: Temporal.ZonedDateTime.from('2026-11-30T01:00[Europe/Berlin]'),
    buffer: Buffer.from('ab'),
    money: [new Money()],
    point: new Point(),
    boxed: [Object(1), Object('a'), Object(false)],
    absent: undefined,
    holes: [undefined, 1],
    twice: { toJSON: () => ({ toJSON: () => 1, a: 2 }).a },
    [Symbol('key')]: 1,
    raw: (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('12')
  }
  t.strictSame(strictJson(values), { json: kept(values), fault: null })
  t.end()
})

t.test('Map, Set, typed arrays and errors keep their content', t => {
  const value = {
    map: new Map([['a', { b: 1 }]]),
    set: new Set([1, 'x']),
    bytes: new Uint8Array([1, 2]),
    error: Object.assign(new TypeError('odd'), { code: 'E_ODD' })
  }
  t.strictSame(strictJson(value).json, {
    map: [['a', { b: 1 }]],
    set: [1, 'x'],
    bytes: [1, 2],
    error: { name: 'TypeError', message: 'odd', code: 'E_ODD' }
  })
  t.end()
})

t.test('what JSON cannot carry is refused with its path, or is words in its place', t => {
  const circle: { self?: unknown } = {}
  circle.self = circle
  const unfit: [unknown, RegExp, unknown][] = [
    [() => 1, /is a function/, undefined],
    [Symbol('s'), /is a symbol/, undefined],
    [10n, /is a BigInt/, '10'],
    [NaN, /is NaN/, 'NaN'],
    [-Infinity, /is -Infinity/, '-Infinity'],
    [Promise.resolve(), /is a Promise/, '[a Promise]'],
    [/x/g, /is a RegExp/, '/x/g'],
    [new ArrayBuffer(4), /ArrayBuffer/, '[an ArrayBuffer]'],
    [new WeakMap(), /WeakMap/, '[a WeakMap]'],
    [circle, /\/items\/3\/when\/self is circular/, { self: '[circular]' }],
    [hostile.getter, /not mine/, { a: '[unreadable]' }],
    [hostile.keys, /is a Proxy: hand over a copy/, '[a Proxy]'],
    [hostile.prototype, /is a Proxy/, '[a Proxy]'],
    [hostile.toJSON, /no JSON/, '[unreadable]'],
    [hostile.thrown, /cannot be read/, '[unreadable]'],
    [10n ** 2000n, /BigInt/, '[a BigInt]']
  ]
  for (const [when, words, loose] of unfit) {
    const value = { items: [1, 2, 'a', { when, id: 7 }] }
    const { json, fault } = strictJson(value)
    t.equal(json, null)
    t.match(fault!.pointer, /^\/items\/3\/when/, String(words))
    t.match(`${fault!.pointer} ${fault!.detail}`, words)
    t.strictSame(looseJson(value).json, {
      items: [1, 2, 'a', loose === undefined ? { id: 7 } : { when: loose, id: 7 }]
    }, String(words))
  }
  t.equal(strictJson({ 'a/b': { '~': NaN } }).fault!.pointer, '/a~1b/~0', 'as RFC 6901 writes it')
  t.equal(looseJson(Array.from({ length: 50 }, () => NaN)).faults.length, 10)
  t.end()
})

t.test('a key named __proto__ is left out, and does not become a prototype [F44]', t => {
  const { json, fault } = strictJson(JSON.parse('{"__proto__":{"polluted":1},"a":2}'))
  t.strictSame([json, fault], [{ a: 2 }, null])
  t.notOk('polluted' in (json as object))
  t.end()
})

t.test('size and nesting are refused at the limit and not before', t => {
  t.equal(strictJson('x'.repeat(998), LIMITS).fault, null)
  t.match(strictJson('x'.repeat(999), LIMITS).fault, {
    kind: 'bytes',
    pointer: '',
    detail: 'is at least 1001 bytes of JSON, and at most 1000 may be kept'
  })
  t.match(strictJson('\n'.repeat(500), LIMITS).fault, { detail: 'is 1002 bytes of JSON, and at most 1000 may be kept' },
    'as it is written')
  t.match(strictJson('é'.repeat(500), LIMITS).fault, { kind: 'bytes' }, 'in UTF-8')
  for (const [entries, fits] of [[499, true], [500, false]] as const) {
    t.equal(strictJson(Array.from({ length: entries }, () => 0), LIMITS).fault === null, fits, `${entries} zeros`)
  }
  t.equal(strictJson(nested(4), LIMITS).fault, null)
  t.match(strictJson(nested(5), LIMITS).fault, {
    kind: 'depth',
    pointer: '/0/0/0/0',
    detail: 'is nested deeper than 4 levels'
  })
  t.end()
})

t.test('a value that would be endless or huge as JSON costs no more than the limit [F31]', t => {
  const values: [string, unknown, string][] = [
    ['ten that know each other', friends(10), 'bytes'],
    ['thirty that know each other', friends(30), 'bytes'],
    ['shared at every level', shared(31), 'bytes'],
    ['a sparse list', Object.assign([], { length: 2 ** 32 - 1 }), 'bytes'],
    ['a list that says it is long', new Proxy([], { get: (_, key) => key === 'length' ? 2 ** 32 : 1 }), 'bytes'],
    ['long text', 'x'.repeat(50_000_000), 'bytes'],
    ['a Buffer', Buffer.alloc(50_000_000), 'bytes'],
    ['a typed array', new Float64Array(5_000_000), 'bytes'],
    ['a Map', new Map(Array.from({ length: 500_000 }, (_, n) => [n, n])), 'bytes'],
    ['a Set', new Set(Array.from({ length: 500_000 }, (_, n) => n)), 'bytes'],
    ['many keys that are undefined',
      Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, undefined])), 'bytes'],
    ['a key without an end', { ['k'.repeat(200_000_000)]: 1 }, 'bytes'],
    ['text put together', { text: 'x'.repeat(400_000_000) }, 'bytes'],
    ['getters that throw', Array.from({ length: 20_000 }, () => hostile.getter), 'unreadable'],
    ['a proxy of many keys', proxyOf(1_000_000), 'value'],
    ['deep', nested(100_000), 'depth'],
    ['a JSON of its own without end', endless(), 'depth']
  ]
  for (const [name, value, kind] of values) {
    const began = process.cpuUsage()
    const { fault } = strictJson(value)
    const { faults } = looseJson(value)
    const { user } = process.cpuUsage(began)
    t.ok(fault !== null && faults.length > 0, name)
    t.ok([fault!.kind, ...faults.map(one => one.kind)].includes(kind as 'bytes'), `${name}: ${kind}`)
    t.ok(user < 5_000_000, `${name}: ${user / 1000} ms of processor time`)
  }
  t.end()
})

function endless (): unknown {
  return { toJSON: () => ({ next: endless() }) }
}

t.test('for people, what is too large is words', t => {
  t.match(shownJson(friends(10), LIMITS),
    /^\[left out: it is at least \d+ bytes of JSON, and at most 1000 may be kept\]$/)
  t.strictSame(shownJson({ a: 1n }, LIMITS), { a: '1' })
  t.end()
})

t.test('a result is what was returned, or a warning says what it is not', t => {
  t.strictSame(resultOf({ at: new Date(0), big: 10n, none: undefined }), {
    result: { at: '1970-01-01T00:00:00.000Z', big: '10' }
  })
  t.strictSame(resultOf(undefined), { result: null })
  t.match(resultOf('x'.repeat(300_000)), {
    result: null,
    warning: 'its result was not kept: it is at least 300002 bytes of JSON, and at most 262144 may be kept'
  })
  t.match(resultOf({ a: () => 1, b: [NaN] }), {
    result: { b: ['NaN'] },
    warning: 'its result was not kept as it was: /a is a function, which JSON does not have (and 1 more)'
  })
  t.strictSame(resultOf(new Warned('look', { a: 1 })), { result: { a: 1 }, warning: 'look' })
  t.match(resultOf(new Warned('look', Symbol('s'))), {
    result: null,
    warning: /^look; its result was not kept as it was: it is a symbol/
  })
  t.match(resultOf(hostile.prototype), { result: '[a Proxy]', warning: /is a Proxy/ })
  t.same([undefined, 42, { low: true }, new Error('low')].map(words => resultOf(new Warned(words, 1)).warning), [
    'undefined',
    '42',
    '{"low":true}',
    'low'
  ])
  t.end()
})
