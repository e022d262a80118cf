import t from 'tap'
import fc from 'fast-check'
import { depthOf, storable } from '../../core/model/base/json.ts'

t.test('whatever a task returns becomes plain JSON that can be stored', t => {
  fc.assert(fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true, withSparseArray: true }), value => {
    const stored = storable(value)
    const text = JSON.stringify(stored)
    return text !== undefined && !text.includes('\\u0000') && text.isWellFormed()
  }))
  t.end()
})

t.test('plain JSON is stored as it is', t => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), value => {
    const text = JSON.stringify(value)
    if (text.includes('\\u0000') || text.includes('"__proto__"')) return true
    return JSON.stringify(storable(JSON.parse(text))) === text
  }))
  t.end()
})

t.test('circles, depth, size and throwing getters end in words, not in an error', t => {
  const circle: { self?: unknown, n: number } = { n: 1 }
  circle.self = circle
  t.strictSame(storable(circle), { n: 1, self: '[circular]' })
  let deep: unknown = 'bottom'
  for (let level = 0; level < 100_000; level++) deep = [deep]
  t.match(JSON.stringify(storable(deep)), /too deep/)
  t.match(storable('x'.repeat(300_000)), { truncated: true, limit: 262_144 })
  t.match(storable({ get a () { throw new Error('not mine') } }), { unreadable: 'not mine' })
  t.match(storable(new Proxy({}, { ownKeys () { throw new Error('hidden') } })), { unreadable: 'hidden' })
  t.end()
})

t.test('a key named __proto__ does not become a prototype', t => {
  const stored = storable(JSON.parse('{"__proto__":{"polluted":1},"a":2}')) as Record<string, unknown>
  t.strictSame(stored, { a: 2 })
  t.notOk('polluted' in stored)
  t.end()
})

t.test('depth is counted no further than it is asked for', t => {
  t.equal(depthOf(1, 5), 0)
  t.equal(depthOf({ a: [1] }, 5), 2)
  let deep: unknown = 0
  for (let level = 0; level < 100_000; level++) deep = { deep }
  t.ok(depthOf(deep, 32) > 32)
  t.end()
})
