import t from 'tap'
import { NOON, config, desktop, facts, laptop, later, run, occupancy, word } from './machine.ts'
import { background } from '../../../core/model/gates/background.ts'
import { concurrency } from '../../../core/model/gates/concurrency.ts'
import { due } from '../../../core/model/gates/due.ts'
import { enabled } from '../../../core/model/gates/enabled.ts'
import { paused } from '../../../core/model/gates/paused.ts'
import { present } from '../../../core/model/gates/present.ts'
import { priority } from '../../../core/model/gates/priority.ts'
import { profile } from '../../../core/model/gates/profile.ts'
import { slots } from '../../../core/model/gates/slots.ts'
import type { Pause } from '../../../core/model/conditions/gate.ts'

t.test('a run whose task is gone is held for it', t => {
  t.equal(word(present, facts()), 'ok')
  t.equal(word(present, { ...facts(), task: undefined }), 'task_missing')
  t.end()
})

t.test('a disabled task holds what its schedule asked for, not what a person did', t => {
  const off = { enabled: false }
  t.equal(word(enabled, facts()), '-')
  t.equal(word(enabled, facts({ task: off })), 'task_disabled')
  t.equal(word(enabled, facts({ task: off, run: run({ source: 'catch_up' }) })), 'task_disabled')
  t.equal(word(enabled, facts({ task: off, run: run({ source: 'manual' }) })), 'ok')
  t.end()
})

const pause = (over: Partial<Pause>): Pause => ({ scope: 'all', name: null, until: null, by: 'ada', at: NOON, ...over })

const PAUSES: [string, Partial<Pause>, string][] = [
  ['everything', {}, 'paused'],
  ['everything until a time to come', { until: later(1) }, 'paused'],
  ['everything until a time that has come', { until: NOON }, '-'],
  ['its task', { scope: 'task', name: 'work' }, 'paused'],
  ['another task', { scope: 'task', name: 'other' }, '-'],
  ['its queue', { scope: 'queue', name: 'default' }, 'paused'],
  ['another queue', { scope: 'queue', name: 'mail' }, '-'],
  ['a tag of it', { scope: 'tag', name: 'disk' }, 'paused'],
  ['another tag', { scope: 'tag', name: 'net' }, '-']
]

for (const [what, over, expected] of PAUSES) {
  t.test(`paused: ${what}`, t => {
    t.equal(word(paused, facts({ task: { tags: ['disk'] }, occupancy: occupancy({ pauses: [pause(over)] }) })),
      expected)
    t.end()
  })
}

t.test('the reason names the longest of several pauses, who made it and when it ends', t => {
  const pauses = [pause({ until: later(1) }),
    pause({ scope: 'task', name: 'work', until: later(5), by: 'bob', reason: 'moving house' })]
  t.match(paused(facts({ occupancy: occupancy({ pauses }) })), {
    clears_at: later(5),
    certain: true,
    message: /bob until 2026-11-22T17:00:00.000Z: moving house/
  })
  t.match(paused(facts({ occupancy: occupancy({ pauses: [...pauses, pause({})] }) })), { clears_at: null })
  t.end()
})

t.test('a run is due at its instant', t => {
  t.equal(word(due, facts({ run: run({ due_at: NOON }) })), 'ok')
  t.match(due(facts({ run: run({ due_at: NOON + 1 }) })), {
    ok: false,
    code: 'not_due',
    clears_at: NOON + 1,
    certain: true
  })
  t.end()
})

t.test('a task, and the process, have as many slots as they have', t => {
  const at = (active: number) =>
    word(concurrency, facts({ task: { concurrency: 2 }, occupancy: occupancy({ active }) }))
  t.strictSame([0, 1, 2, 3].map(at), ['ok', 'ok', 'task_busy', 'task_busy'])
  t.strictSame([1, 0].map(free => word(slots, facts({ occupancy: occupancy({ free }) }))), ['ok', 'no_slot'])
  t.end()
})

t.test('priority slots are those of the documents on battery: critical 3, high 2, normal 1, low 1', t => {
  const at = (name: 'critical' | 'high' | 'normal' | 'low', taken: number) =>
    word(priority, facts({
      reading: laptop(90),
      run: run({ priority: name }),
      occupancy: occupancy({ priorities: { [name]: taken } })
    }))
  t.strictSame([at('critical', 2), at('critical', 3)], ['ok', 'priority_busy'])
  t.strictSame([at('high', 1), at('high', 2)], ['ok', 'priority_busy'])
  t.strictSame([at('normal', 0), at('normal', 1)], ['ok', 'priority_busy'])
  t.strictSame([at('low', 0), at('low', 1)], ['ok', 'priority_busy'])
  t.end()
})

t.test('on mains they count when config.json names them, or says always', t => {
  const busy = occupancy({ priorities: { low: 1 } })
  const at = (file: Parameters<typeof config>[0]) =>
    word(priority, facts({ reading: desktop(), run: run({ priority: 'low' }), occupancy: busy, config: config(file) }))
  t.equal(at({}), '-')
  t.equal(at({ scheduling: { max_concurrent_tasks: { low: 1 } } }), 'priority_busy')
  t.equal(at({ scheduling: { max_concurrent_tasks: { high: 5 } } }), 'priority_busy')
  t.equal(at({ scheduling: { priority_slots: 'always' } }), 'priority_busy')
  t.equal(at({ scheduling: { max_concurrent_tasks: { low: 1 }, priority_slots: 'never' } }), '-')
  t.end()
})

t.test('the slots of profile and window multiply, rounded up', t => {
  const at = (level: number, now: number, taken: number) =>
    word(profile, facts({ reading: laptop(level), now, occupancy: occupancy({ free: 10 - taken }) }))
  // 3 × 0.5 by day, 3 × 0.8 by night; 2 × 0.5, 2 × 0.8; 1 × 0.5, 1 × 0.8
  const most = (level: number, now: number) => [0, 1, 2, 3].findIndex(taken => at(level, now, taken) !== 'ok')
  t.strictSame([most(90, NOON), most(90, later(11)), most(25, NOON), most(25, later(11)), most(10, NOON),
    most(10, later(11))], [2, 3, 1, 2, 1, 1])
  t.end()
})

t.test('on mains they count when config.json names a concurrency or a share', t => {
  const at = (file: Parameters<typeof config>[0]) =>
    word(profile, facts({ reading: desktop(), occupancy: occupancy({ free: 8 }), config: config(file) }))
  t.equal(at({}), '-')
  t.equal(at({ power: { power_profiles: { charging: { task_concurrency: 4 } } } }), 'profile_busy')
  t.equal(at({ power: { power_profiles: { charging: { task_concurrency: 5 } } } }), 'ok')
  t.equal(at({ scheduling: { time_windows: { lunch: { start: '12:00', end: '13:00', resource_limit: 0.25 } } } }),
    'profile_busy')
  t.equal(at({ scheduling: { time_windows: { lunch: { start: '12:00', end: '13:00' } } } }), '-')
  t.end()
})

t.test('of five slots for runs of the class background the hour leaves its share', t => {
  const at = (taken: number, over = {}) =>
    word(background, facts({ class: 'background', occupancy: occupancy({ background: taken }), ...over }))
  t.strictSame([at(2), at(3)], ['ok', 'background_busy'], 'half in peak hours, rounded up')
  t.strictSame([3, 4].map(taken => at(taken, { now: later(11) })), ['ok', 'background_busy'], 'four fifths at night')
  t.match(background(facts({ class: 'background', occupancy: occupancy({ background: 3 }) }))?.message, /in peak hours/)
  t.equal(word(background, facts({ occupancy: occupancy({ background: 9 }) })), '-')
  t.end()
})
