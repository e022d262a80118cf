import t from 'tap'
import { NOON, asking, config, desktop, facts, laptop, onUps, reading, run, occupancy, verdict } from './machine.ts'
import { battery } from '../../../core/model/gates/battery.ts'
import { charge } from '../../../core/model/gates/charge.ts'
import { idle } from '../../../core/model/gates/idle.ts'
import { paused } from '../../../core/model/gates/paused.ts'
import { priority } from '../../../core/model/gates/priority.ts'
import { profile } from '../../../core/model/gates/profile.ts'
import { temperature } from '../../../core/model/gates/temperature.ts'
import { firstReason } from '../../../core/model/admit/evaluate.ts'
import type { Gate, GateInput } from '../../../core/model/conditions/gate.ts'

const SENTENCES: [Gate, GateInput, string][] = [
  [battery, facts({ reading: laptop(20) }), 'on battery (20 %), normal work needs 30 %'],
  [battery, facts({ reading: onUps(20) }), 'on UPS battery (20 %), normal work needs 30 %'],
  [battery, facts({ reading: laptop('unknown'), class: 'background' }),
    'on battery (level unknown, counts as 30 %), background work needs 50 %'],
  [idle, facts({ reading: reading({ idle_seconds: 600 }), ...asking({ idle: true }) }), 'idle for 10 m'],
  [idle, facts({ reading: reading({ idle_seconds: 1 }), ...asking({ idle: '10m' }) }),
    'someone is using the machine, the task needs 10 m of idle time'],
  [idle, facts({
    reading: reading({ idle_seconds: 9999, cpu: { busy: 0.69, own: 0, load: 1, cores: 2 } }),
    ...asking({ idle: '10m' })
  }), 'the processors are busy (69 %), the task needs an idle machine'],
  [paused,
    facts({ occupancy: occupancy({ pauses: [{ scope: 'all', name: null, until: null, by: 'ada', at: NOON }] }) }),
    'everything is paused by ada'],
  [paused, facts({
    occupancy: occupancy({ pauses: [{ scope: 'queue', name: 'default', until: null, by: 'ada', at: NOON }] })
  }), 'queue default is paused by ada'],
  [priority,
    facts({ reading: laptop(90), run: run({ priority: 'high' }), occupancy: occupancy({ priorities: { high: 2 } }) }),
    '2 of 2 slots for priority high in use'],
  [priority, facts({ reading: laptop(90), occupancy: occupancy({ priorities: { normal: 1 } }) }),
    '1 of 1 slots for priority normal in use'],
  [profile, facts({ reading: laptop(90), occupancy: occupancy({ free: 8 }) }),
    '2 of 2 slots of the profile battery_normal in use in peak hours']
]

for (const [gate, ask, sentence] of SENTENCES) {
  t.test(sentence, t => {
    t.equal(gate(ask)?.message, sentence)
    t.end()
  })
}

t.test('a requirement says where it comes from and what it was before it gave way', t => {
  t.match(temperature(facts({ reading: reading({ temperature: 70 }), ...asking({ temperature_below: 60 }) })), {
    source: 'task definition /constraints/temperature_below'
  })
  t.match(temperature(facts({ reading: reading({ temperature: 70 }) })), { source: '/resources/temperature_limit' })
  const pausedBy = (by: string) =>
    paused(facts({ occupancy: occupancy({ pauses: [{ scope: 'task', name: 'work', until: null, by, at: NOON }] }) }))
  t.match([pausedBy('ada'), pausedBy('breaker')], [{ source: 'by hand: ada' }, { source: 'task definition /breaker' }])
  t.match(idle(facts(asking({ idle: true }))), { source: '/activity/idle_after' })
  t.match(
    idle(
      facts({
        reading: reading({ idle_seconds: 9999, cpu: { busy: 0.69, own: 0, load: 1, cores: 2 } }),
        ...asking({ idle: true })
      })
    ),
    {
      code: 'not_idle',
      observed: '69 %',
      required: 'at most 10 %',
      source: '/activity/cpu_below'
    }
  )
  t.match(idle(facts(asking({ idle: '5m' }))), { source: 'task definition /constraints/idle' })
  t.match(charge(facts({ reading: laptop(50), relaxed: 0.5, ...asking({ battery_above: 65 }) })), {
    ok: true,
    required: 40,
    relaxed_from: 65
  })
  t.notOk(Object.hasOwn(charge(facts({ reading: laptop(50), ...asking({ battery_above: 65 }) }))!, 'relaxed_from'))
  t.end()
})

t.test('what follows from clock and calendar is certain, what depends on the machine is not', t => {
  const { gates } = verdict({
    reading: laptop(50),
    task: { constraints: { window: 'peak', power: 'any', idle: true } }
  })
  t.strictSame(gates.filter(({ certain }) => certain).map(({ gate }) => gate), ['task', 'due', 'window'])
  t.end()
})

t.test('a held run is put off until the battery is charged only when that is what it waits for', t => {
  const advice = (over: Parameters<typeof verdict>[0]) => verdict(over).advice.decision
  t.equal(advice({ reading: laptop(20) }), 'defer_to_background')
  t.equal(advice({ reading: laptop(20), task: { class: 'charging_only' } }), 'defer_to_charging')
  t.equal(
    advice({ reading: desktop({ cpu: { busy: 1, own: 0, load: 1, cores: 1 } }), task: { class: 'charging_only' } }),
    'defer_to_background'
  )
  t.end()
})

t.test('reasons are in order: faults of the task first, slots last', t => {
  const result = verdict({
    config: config(),
    reading: laptop(5),
    occupancy: occupancy({ free: 0 }),
    run: run({ due_at: NOON + 1 })
  })
  t.strictSame(result.gates.filter(({ ok }) => !ok).map(({ code }) => code), ['not_due', 'battery_low', 'profile_busy',
    'no_slot'])
  t.equal(firstReason(result)?.code, 'not_due')
  t.end()
})
