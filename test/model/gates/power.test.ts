import t from 'tap'
import { asking, config, desktop, facts, laptop, onUps, reading, run, word } from './machine.ts'
import { battery } from '../../../core/model/gates/battery.ts'
import { ups } from '../../../core/model/gates/ups.ts'
import { charge } from '../../../core/model/gates/charge.ts'
import { power } from '../../../core/model/gates/power.ts'
import type { Class } from '../../../core/model/task/constraint.ts'
import type { Reading } from '../../../core/model/machine/reading.ts'

const BATTERY: [Class, string, Reading, string][] = [
  ['normal', 'no battery', desktop(), '-'],
  ['normal', 'nothing known', reading(), '-'],
  ['normal', 'on mains at 3 %', laptop(3, 'mains'), '-'],
  ['normal', 'on battery at 30 %', laptop(30), 'ok'],
  ['normal', 'on battery at 29 %', laptop(29), 'battery_low'],
  ['normal', 'on battery at a level that nobody knows', laptop('unknown'), 'ok'],
  ['normal', 'power unknown at 29 %', laptop(29, 'unknown'), 'battery_low'],
  ['normal', 'on a UPS at 29 %', onUps(29), 'battery_low'],
  ['normal', 'on a UPS at 31 %', onUps(31), 'ok'],
  ['background', 'on battery at 50 %', laptop(50), 'ok'],
  ['background', 'on battery at 49 %', laptop(49), 'battery_low'],
  ['background', 'on battery at a level that nobody knows', laptop('unknown'), 'battery_low'],
  ['background', 'idle on battery at 35 %', { ...laptop(35), idle_seconds: 600 }, 'ok'],
  ['background', 'idle on battery at 29 %', { ...laptop(29), idle_seconds: 600 }, 'battery_low'],
  ['background', 'in use on battery at 35 %', { ...laptop(35), idle_seconds: 5 }, 'battery_low'],
  ['charging_only', 'no battery', desktop(), '-'],
  ['charging_only', 'on battery at 99 %', laptop(99), 'battery_low'],
  ['charging_only', 'on battery at 100 %', laptop(100), 'ok'],
  ['charging_only', 'on mains, charging at 79 %', laptop(79, 'mains'), 'charging'],
  ['charging_only', 'on mains, charging at 80 %', laptop(80, 'mains'), 'ok'],
  ['charging_only', 'on mains, kept at 60 % by a charge limit', laptop(60, 'mains', false), 'ok'],
  ['charging_only', 'on mains at a level that nobody knows', laptop('unknown', 'mains'), 'ok'],
  ['charging_only', 'on a UPS at 90 %', onUps(90), 'battery_low']
]

for (const [kind, what, machine, expected] of BATTERY) {
  t.test(`battery: ${kind} ${what}`, t => {
    t.equal(word(battery, facts({ reading: machine, class: kind })), expected)
    t.end()
  })
}

const upsThat = (over: Partial<NonNullable<Reading['ups']>>): Reading =>
  desktop({ ups: { on_battery: true, level: 90, seconds_left: 1500, ...over } })

const UPS: [string, Reading, string][] = [
  ['with time left', upsThat({}), 'ok'],
  ['with less than five minutes left', upsThat({ seconds_left: 299 }), 'ups_ending'],
  ['with five minutes left', upsThat({ seconds_left: 300 }), 'ok'],
  ['that says that its battery is low', upsThat({ warning: 'low_battery' }), 'ups_ending'],
  ['that shuts down', upsThat({ warning: 'shutdown' }), 'ups_ending'],
  ['that shuts down on line', upsThat({ on_battery: false, warning: 'shutdown' }), 'ups_ending'],
  ['that has fallen silent on its battery', upsThat({ warning: 'silent' }), 'ups_ending'],
  ['that was never reported', upsThat({ on_battery: 'unknown', warning: 'silent' }), '-'],
  ['on line with a low battery that fills',
    upsThat({ on_battery: false, warning: 'low_battery', level: 5, seconds_left: 60 }), '-']
]

for (const [what, machine, expected] of UPS) {
  t.test(`battery: a UPS ${what}`, t => {
    for (const relaxed of [0, 1]) {
      t.equal(word(ups, facts({ reading: machine, relaxed })), expected === 'ok' ? '-' : expected)
    }
    t.equal(word(power, facts({ reading: machine, ...asking({ power: 'mains' }) })),
      expected === '-' ? 'ok' : 'on_battery')
    t.end()
  })
}

t.test('level and power in a definition override an inferred class, and an explicit class overrides both', t => {
  const at = (level: number, kind: Class, task: object) =>
    word(battery, facts({ reading: laptop(level), class: kind, task }))
  t.equal(at(35, 'background', { constraints: { battery_below: 40 } }), '-')
  t.equal(at(35, 'background', { constraints: { battery_above: 20 } }), '-')
  t.equal(at(35, 'background', { class: 'background', constraints: { battery_above: 20 } }), 'battery_low')
  t.equal(at(35, 'charging_only', { constraints: { power: 'any' } }), 'ok')
  t.equal(at(29, 'charging_only', { constraints: { power: 'any' } }), 'battery_low')
  t.equal(at(35, 'charging_only', { class: 'charging_only', constraints: { power: 'any' } }), 'battery_low')
  t.equal(word(battery, facts({ reading: laptop(50, 'mains'), class: 'charging_only', ...asking({ power: 'any' }) })),
    '-')
  t.equal(word(ups, facts({ reading: upsThat({ warning: 'low_battery' }), ...asking({ battery_above: 20 }) })),
    'ups_ending')
  t.end()
})

t.test('a sync starts by its priority: high always, normal from 30 %, low from 50 %', t => {
  const at = (level: number, priority: 'high' | 'normal' | 'low') =>
    word(battery,
      facts({ reading: laptop(level), run: run({ priority }), class: 'background', task: { type: 'sync' } }))
  t.strictSame(
    [1, 29, 30, 49, 50].map(level =>
      [at(level, 'high'), at(level, 'normal'), at(level, 'low')].map(result => result === 'ok')
    ),
    [
      [true, false, false],
      [true, false, false],
      [true, true, false],
      [true, true, false],
      [true, true, true]
    ]
  )
  t.end()
})

t.test('a level gives way to the critical threshold as the deadline nears, and says what it was', t => {
  const result = battery(facts({ reading: laptop(35), class: 'background', relaxed: 0.5 }))
  t.match(result, {
    ok: true,
    required: 32.5,
    relaxed_from: 50,
    observed: 35,
    source: '/classification/thresholds/background'
  })
  t.equal(word(battery, facts({ reading: laptop(14), class: 'background', relaxed: 1 })), 'battery_low')
  t.end()
})

t.test('the levels come from the configuration', t => {
  const hard = config({ classification: { thresholds: { normal: 60 } } })
  t.equal(word(battery, facts({ reading: laptop(59), config: hard })), 'battery_low')
  t.end()
})

const POWER: ['mains' | 'charging' | 'any', string, Reading, string][] = [
  ['any', 'on battery', laptop(5), '-'],
  ['mains', 'no battery', desktop(), 'ok'],
  ['mains', 'nothing known', reading(), 'ok'],
  ['mains', 'on mains', laptop(5, 'mains'), 'ok'],
  ['mains', 'on battery', laptop(100), 'on_battery'],
  ['mains', 'power unknown with a battery', laptop(100, 'unknown'), 'power_unknown'],
  ['mains', 'on a UPS', onUps(100), 'on_battery'],
  ['charging', 'no battery', desktop(), 'ok'],
  ['charging', 'on mains, charging', laptop(5, 'mains'), 'ok'],
  ['charging', 'on mains, filled', laptop(85, 'mains', 'unknown'), 'ok'],
  ['charging', 'on mains, nobody knows whether it fills', laptop(40, 'mains', 'unknown'), 'not_charging'],
  ['charging', 'on battery', laptop(100), 'on_battery']
]

for (const [asked, what, machine, expected] of POWER) {
  t.test(`power: ${asked} ${what}`, t => {
    t.equal(word(power, facts({ reading: machine, ...asking({ power: asked }) })), expected)
    t.end()
  })
}

t.test('power holds only tasks that require it', t => {
  t.equal(word(power, facts({ reading: laptop(1) })), '-')
  t.end()
})

const CHARGE: [object, string, Reading, string][] = [
  [{}, 'at 1 %', laptop(1), '-'],
  [{ battery_above: 60 }, 'at 60 %', laptop(60), 'ok'],
  [{ battery_above: 60 }, 'at 59 % on mains', laptop(59, 'mains'), 'battery_low'],
  [{ battery_above: 60 }, 'without a battery', desktop(), 'ok'],
  [{ battery_above: 60 }, 'at a level that nobody knows', laptop('unknown'), 'battery_unknown'],
  [{ battery_below: 60 }, 'at 59 %', laptop(59), 'ok'],
  [{ battery_below: 60 }, 'at 60 %', laptop(60), 'battery_high'],
  [{ battery_below: 60 }, 'at 10 % on mains', laptop(10, 'mains'), 'battery_high'],
  [{ battery_below: 60 }, 'at a level that nobody knows', laptop('unknown'), 'battery_high'],
  [{ battery_above: 20, battery_below: 60 }, 'at 19 %', laptop(19), 'battery_low'],
  [{ battery_above: 20, battery_below: 60 }, 'at 61 %', laptop(61), 'battery_high'],
  [{ battery_above: 20, battery_below: 60 }, 'at 40 %', laptop(40), 'ok']
]

for (const [constraints, what, machine, expected] of CHARGE) {
  t.test(`charge: ${JSON.stringify(constraints)} ${what}`, t => {
    t.equal(word(charge, facts({ reading: machine, ...asking(constraints) })), expected)
    t.end()
  })
}
