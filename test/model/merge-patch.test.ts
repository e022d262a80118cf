import t from 'tap'
import { mergePatch } from '../../core/model/json/merge-patch.ts'
import type { Json } from '../../core/model/json/json.ts'

/** The examples of RFC 7396, appendix A. */
const EXAMPLES: [target: Json, patch: Json, result: Json][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [['a', 'b'], ['c', 'd'], ['c', 'd']],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }]
]

t.test('a merge patch does what the examples of RFC 7396 do, and changes no argument', async t => {
  for (const [target, patch, result] of EXAMPLES) {
    const before = JSON.stringify([target, patch])
    t.strictSame(mergePatch(target, patch), result, before)
    t.equal(JSON.stringify([target, patch]), before)
  }
})

t.test('names that objects inherit are members like others', async t => {
  t.strictSame(mergePatch({}, { toString: { a: 1 } }), { toString: { a: 1 } })
})
