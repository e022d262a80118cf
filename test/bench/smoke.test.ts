import t from 'tap'
import { SCRIPTS, script } from '../../bench/scripts.ts'
import { reaches, summary } from '../../bench/row.ts'
import { table } from '../../bench/report.ts'
import { shareOf } from '../depth.ts'
import type { Row } from '../../bench/row.ts'

t.setTimeout(400_000)

for (const name of shareOf(SCRIPTS)) {
  t.test(`${name} measures something of offpeak when it does little`, async t => {
    const { run } = await script(name)
    const rows = await run({ small: true })
    t.strictSame(rows.filter(({ value }) => value !== null && !Number.isFinite(value)), [])
    t.ok(rows.some(({ value }) => value !== null), 'no row has a figure')
    t.strictSame(rows.filter(({ value, note }) => value === null && !note?.startsWith('skipped: ')), [])
    t.equal(new Set(rows.map(row => row.name)).size, rows.length, 'two rows have one name')
    const known = new Set(rows.map(row => row.name))
    t.strictSame(rows.filter(({ ratio_to: other }) => other !== undefined && !known.has(other)), [],
      'a row is compared with one that is not there')
  })
}

const row = (over: Partial<Row>): Row => ({ group: 'add', name: 'offpeak', unit: '/s', value: 1, ...over })

t.test('a summary has the median of the rounds, and the median of the ratios within each', async t => {
  const rounds = [[100, 50], [10, 10], [60, 20]].map(([own, limit]) => [
    row({ value: own!, ratio_to: 'raw', target: { of: 'ratio', least: 2 } }),
    row({ name: 'raw', value: limit! })
  ])
  const [own, raw] = summary(rounds) as [Row, Row]
  t.match(own, { value: 60, ratio: 2, spread: 0.75 })
  t.equal(raw.value, 20)
  t.equal(reaches(own), true)
  t.equal(reaches({ ...own, ratio: 1.9 }), false)
  t.equal(reaches(raw), null)
})

t.test('a contender that was skipped is a row without a figure, and no ratio is made of it', async t => {
  const rows = summary([[row({ ratio_to: 'raw' }), row({ name: 'raw', value: null, note: 'skipped: not here' })]])
  t.strictSame(rows.map(({ ratio }) => ratio), [undefined, undefined])
  t.match(table(rows), /raw +\| +\| +\| +\| +\| +\| skipped: not here/)
})
