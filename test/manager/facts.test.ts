import t from 'tap'
import { createManager } from '../../core/manager.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { fakeClock } from '../clock.ts'
import { fakeSenses } from '../work/fake-senses.ts'
import { scratch } from '../work/harness.ts'
import type { Json } from '../../core/model/json/json.ts'

const NAMES = ['pause/task/a', 'activity', 'breaker/a', 'clock']
const VALUES: Json[] = [[], 'x', 5, {}, true, [1e308, 'x', null], {
  scope: 'task',
  name: 'a',
  at: 'x',
  until: null,
  by: 'x'
}, { scope: 'all', name: null, at: 0, until: 1e308, by: 'x' }, { failures: 'x', trips: 1e308 }, {
  at: -1e300,
  until: 'x',
  from: {}
}, { buckets: [5] }]

t.test('an invalid stored fact fails no start, sweep or reading, and pauses nothing', async t => {
  const folder = scratch(t)
  const clock = fakeClock()
  for (const name of NAMES) {
    for (const value of VALUES) {
      const engine = createSqliteEngine({ folder, clock: clock.now, ballastBytes: 0 })
      await engine.start()
      for (const each of NAMES) await engine.keep({ name: each, value: each === name ? value : null, now: clock.now() })
      const failures: unknown[] = []
      const manager = await createManager({
        root: scratch(t),
        files: 'none',
        clock,
        senses: fakeSenses(clock).senses,
        loops: 'none',
        engine,
        onNotice: notice => void (notice.kind.endsWith('_failed') && failures.push(notice))
      })
      manager.registerTasks([{ id: 'a', func: () => 1 }])
      await manager.start()
      for (const beat of ['sweep', 'watch', 'poll']) await manager.beat(beat)
      await manager.look()
      t.strictSame(failures, [], `${name} is ${JSON.stringify(value)}`)
      t.strictSame(manager.pauses.list(), [])
      await manager.stop()
      await engine.stop()
    }
  }
})
