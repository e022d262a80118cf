import t from 'tap'
import { HOUR, MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { compileTrigger } from '../../core/model/trigger.ts'
import { decideFires } from '../../core/model/schedule/misfire.ts'
import type { MisfireAsk } from '../../core/model/schedule/misfire.ts'

const NOON = Date.parse('2026-11-22T12:00:00Z')
const hourly = compileTrigger({ trigger: 'cron', trigger_args: { minute: 0 }, timezone: 'UTC' }, NOON)

const decide = (over: Partial<MisfireAsk>) =>
  decideFires({
    trigger: hourly,
    nominal: NOON,
    fireAt: NOON,
    now: NOON,
    policy: 'run_latest',
    graceMs: MINUTE,
    maxCatchUp: 3,
    ...over
  })

t.test('a fire on time is one run, not late, that stands for no other', t => {
  t.strictSame(decide({ now: NOON + 5 }), {
    fires: [{ at: NOON, late: false, run: true, missed: 0 }],
    due: 1,
    cursor: NOON
  })
  t.end()
})

t.test('run_latest runs once for all that was missed, at the last instant [F20]', t => {
  t.strictSame(decide({ now: NOON + 7 * HOUR + 30 * MINUTE }), {
    fires: [{ at: NOON + 7 * HOUR, late: true, run: true, missed: 7 }],
    due: 8,
    cursor: NOON + 7 * HOUR
  })
  t.end()
})

t.test('skip runs the last fire only within the grace, and records it otherwise [F20]', t => {
  t.match(decide({ policy: 'skip', now: NOON + 3 * HOUR + 59 * SECOND }).fires, [{
    at: NOON + 3 * HOUR,
    run: true,
    missed: 3
  }])
  t.match(decide({ policy: 'skip', now: NOON + 3 * HOUR + 61 * SECOND }).fires, [{
    at: NOON + 3 * HOUR,
    run: false,
    late: true,
    missed: 3
  }])
  t.end()
})

t.test('run_all runs the newest up to the cap, oldest first, and counts the rest on the first [F20]', t => {
  const { fires, due, cursor } = decide({ policy: 'run_all', now: NOON + 7 * HOUR + 1 })
  t.strictSame(fires.map(({ at, missed, run }) => [(at - NOON) / HOUR, missed, run]), [[5, 5, true], [6, 0, true], [7,
    0, true]])
  t.equal(due, 8)
  t.equal(cursor, NOON + 7 * HOUR)
  t.end()
})

t.test('run_all never takes a fire from before the first that is due', t => {
  t.strictSame(decide({ policy: 'run_all', now: NOON + HOUR }).fires.map(({ at }) => at), [NOON, NOON + HOUR])
  t.end()
})

t.test('jitter counts for the lateness of the fire that it delayed', t => {
  t.match(decide({ fireAt: NOON + 10 * MINUTE, now: NOON + 10 * MINUTE + 30 * SECOND }).fires, [{ late: false }])
  t.end()
})

t.test('a year of missed seconds ends quickly and is counted up to the cap', t => {
  const secondly = compileTrigger({ trigger: 'cron', trigger_args: { second: '*' }, timezone: 'Europe/Rome' }, NOON)
  const { fires, due } = decide({ trigger: secondly, now: NOON + 365 * 24 * HOUR })
  t.equal(due, 10_000)
  t.strictSame(fires.map(({ at }) => at), [NOON + 365 * 24 * HOUR])
  t.end()
})
