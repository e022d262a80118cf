import t from 'tap'
import { fractionMs, instantOf, offsetSeconds, wallSeconds } from '../../core/model/base/instant.ts'
import { instantIn } from '../../core/model/base/check.ts'

const NOON = Date.UTC(2026, 10, 22, 12)

const WRITTEN: [string, number][] = [
  ['2026-11-22T12:00:00Z', NOON],
  ['2026-11-22T12:00Z', NOON],
  ['2026-11-22 12:00:00z', NOON],
  ['2026-11-22t13:00+01:00', NOON],
  ['2026-11-22T13:00:00+0100', NOON],
  ['2026-11-22T13:00+01', NOON],
  ['2026-11-22T06:30:00-05:30', NOON],
  ['2026-11-22T12:00:00.25Z', NOON + 250],
  ['2026-11-22T12:00:00.123456789Z', NOON + 123],
  ['2024-02-29T00:00Z', Date.UTC(2024, 1, 29)]
]

for (const [text, at] of WRITTEN) {
  t.test(`${text} is an instant`, t => {
    t.equal(instantOf(text), at)
    t.end()
  })
}

const REFUSED = [
  '2030-01-01T00:00',
  '2030-01-01 00:00:00',
  '2030-01-01',
  '2030-02-30T00:00Z',
  '2030-02-29T00:00Z',
  '2030-04-31T00:00Z',
  '2030-13-01T00:00:00Z',
  '2030-00-01T00:00Z',
  '2030-01-00T00:00Z',
  '2030-01-32T00:00Z',
  '2030-01-01T25:00Z',
  '2030-01-01T24:00Z',
  '2030-01-01T00:60Z',
  '2030-01-01T00:00:60Z',
  '2030-01-01T00:00+24:00',
  '2030-01-01T00:00+01:60',
  '0000-01-01T00:00Z',
  '2030-1-1T00:00Z',
  '2030-01-01T0:00Z',
  '20300101T000000Z',
  '2030-01-01T00Z',
  '2030-01-01T00:00 Z',
  ' 2030-01-01T00:00Z',
  '2030-01-01T00:00Z ',
  '2030-01-01T00:00Z+01:00',
  '2030-01-01T00:00:00,5Z',
  '2030-01-01T00:00 GMT',
  '2030-01-01T00:00[Europe/Rome]',
  '1 Jan 2030 00:00 UTC',
  '2030-01-01T00:00−01:00',
  '+002030-01-01T00:00Z',
  '1893456000000',
  'now',
  '',
  'Z'
]

for (const text of REFUSED) {
  t.test(`'${text}' is not an instant`, t => {
    t.equal(instantOf(text), null)
    t.end()
  })
}

t.test('every day of four years is accepted and the day after each month refused', async t => {
  for (let at = Date.UTC(2027, 0, 1); at < Date.UTC(2031, 0, 1); at += 86_400_000) {
    const text = new Date(at).toISOString()
    if (instantOf(text) !== at) t.fail(text)
  }
  for (let year = 2027; year < 2031; year++) {
    for (let month = 1; month <= 12; month++) {
      const length = new Date(Date.UTC(year, month, 0)).getUTCDate()
      if (wallSeconds([year, month, length, 0, 0, 0]) === null) t.fail(`${year}-${month}-${length}`)
      if (wallSeconds([year, month, length + 1, 0, 0, 0]) !== null) t.fail(`${year}-${month}-${length + 1}`)
    }
  }
})

t.test('the first centuries are not taken for the twentieth', async t => {
  t.equal(instantOf('0050-01-01T00:00Z'), new Date('0050-01-01T00:00:00Z').getTime())
  t.equal(offsetSeconds('-00:30'), -1800)
  t.same([fractionMs(), fractionMs('5'), fractionMs('05'), fractionMs('9999')], [0, 500, 50, 999])
})

t.test('an instant comes as text with a zone, as milliseconds or as a Date', async t => {
  const where = { what: 'The run was not added', pointer: '/due_at' }
  t.equal(instantIn('2026-11-22T12:00Z', where), NOON)
  t.equal(instantIn(NOON, where), NOON)
  t.equal(instantIn(new Date(NOON), where), NOON)
  for (const wrong of ['2026-11-22T12:00', Number.NaN, Infinity, 9e15, new Date(Number.NaN), null, true, {}]) {
    t.throws(() => instantIn(wrong, where), {
      code: 'OFFPEAK_INPUT_INVALID',
      errors: [{ pointer: '/due_at', detail: /^found .*, expected an instant with a zone/ }]
    })
  }
})
