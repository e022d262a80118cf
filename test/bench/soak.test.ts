import t from 'tap'
import { SOAKS } from '../../bench/soak/soak.ts'
import { grown } from '../../bench/soak/heap.ts'
import { slope } from '../../bench/soak/steady.ts'
import { scratch } from '../work/harness.ts'
import { shareOf } from '../depth.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The file as a whole, also on a machine that is busy. */
t.setTimeout(600_000)
const LONG = 240_000
/** What depends on the speed of the machine is shown, and not asserted. */
const TIMED = new Set(['ms', 'MB', 'MB/min'])

for (const [name, soak] of shareOf(Object.entries(SOAKS))) {
  t.test(`${name}: under a little of this load nothing is lost`, { timeout: LONG }, async t => {
    const rows = await soak({ minutes: 0.05, small: true, heap: false, say: () => {} })
    t.ok(rows.length > 1)
    t.strictSame(rows.filter(({ value }) => !Number.isFinite(value)), [])
    for (const row of rows.filter(({ unit }) => !TIMED.has(unit))) t.equal(row.value, 0, row.name)
  })
}

t.test('the slope is that of the line through the points', async t => {
  t.equal(slope([[0, 1], [1, 3], [2, 5]]), 2)
  t.equal(slope([[0, 1], [1, 4], [2, 1]]), 0)
})

t.test('what has grown between two snapshots of a heap is listed, the most first', async t => {
  const folder = scratch(t)
  const snapshot = (nodes: number[]) =>
    JSON.stringify({
      snapshot: {
        meta: { node_fields: ['type', 'name', 'self_size'], node_types: [['object', 'string'], 'string', 'number'] }
      },
      nodes,
      strings: ['Run', 'Task', 'text']
    })
  writeFileSync(join(folder, 'figures.json.1.heapsnapshot'), snapshot([0, 0, 1000, 1, 2, 500]))
  t.strictSame(grown(folder), [], 'one is compared with nothing')
  writeFileSync(join(folder, 'figures.json.2.heapsnapshot'), snapshot([0, 0, 1000, 0, 0, 2000, 0, 1, 3000, 1, 2, 500]))
  t.strictSame(grown(folder), ['heap: 3.0 kB more in 1 more of object Task',
    'heap: 2.0 kB more in 1 more of object Run'])
})
