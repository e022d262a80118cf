import t from 'tap'
import Type from 'typebox'
import { faultsOf } from '../../core/model/base/check.ts'

const run = Type.Object({
  run: Type.String(),
  condition: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['done', 'failed'] }))
}, { additionalProperties: false })
const schema = Type.Object({
  runs: Type.Optional(Type.Array(Type.Union([Type.String({ maxLength: 9 }), run]), { minItems: 1, maxItems: 2 })),
  at: Type.Optional(Type.String({ title: 'instant', minLength: 10 })),
  each: Type.Optional(Type.Array(Type.Object({ at: Type.String({ title: 'instant' }) })))
}, { minProperties: 1 })

const FAULTS: [string, unknown, string, string][] = [
  ['an object without a key', {}, '', 'found an empty object, expected at least one of runs, at, each'],
  ['a list that is too short', { runs: [] }, '/runs', 'found a list of 0, expected a list of 1 to 2 items'],
  ['a list that is too long', { runs: ['a', 'b', 'c'] }, '/runs', 'found a list of 3, expected a list of 1 to 2 items'],
  ['what is no choice', { runs: [7] }, '/runs/0', 'found 7, expected text of at most 9 characters, or an object'],
  ['a wrong word in an object that is one of two choices', { runs: [{ run: 'a', condition: 'maybe' }] },
    '/runs/0/condition', "found 'maybe', expected one of 'done', 'failed'"],
  ['a mistyped key there', { runs: [{ run: 'a', conditon: 'done' }] }, '/runs/0/conditon',
    "unknown key 'conditon': did you mean 'condition'?"],
  ['a missing key there', { runs: [{ condition: 'done' }] }, '/runs/0', "'run' is missing"],
  ['what is no instant', { at: 'soon' }, '/at',
    "found 'soon', expected an instant with a zone, such as 2026-11-22T03:00:00Z"],
  ['a day that does not exist', { at: '2030-02-30T00:00Z' }, '/at',
    "found '2030-02-30T00:00Z', expected an instant with a zone, such as 2026-11-22T03:00:00Z"],
  ['an instant in a list', { each: [{ at: '2030-02-01T00:00Z' }, { at: '2030-02-01T00:00' }] }, '/each/1/at',
    "found '2030-02-01T00:00', expected an instant with a zone, such as 2026-11-22T03:00:00Z"]
]

for (const [name, value, pointer, detail] of FAULTS) {
  t.test(`the fault of ${name} names what was found and what was expected`, t => {
    t.strictSame(faultsOf(schema, value), [{ pointer, detail }])
    t.end()
  })
}
