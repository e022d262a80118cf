import t from 'tap'
import { NOON, asking, config, facts, later, reading, word } from './machine.ts'
import { idle } from '../../../core/model/gates/idle.ts'
import { network } from '../../../core/model/gates/network.ts'
import { probes } from '../../../core/model/gates/probes.ts'
import { signals } from '../../../core/model/gates/signals.ts'
import { window } from '../../../core/model/gates/window.ts'
import type { Constraints } from '../../../core/model/task/constraint.ts'
import type { Gate } from '../../../core/model/conditions/gate.ts'
import type { Maybe, Reading } from '../../../core/model/machine/reading.ts'

const net = (online: Maybe<boolean>, metered: Maybe<boolean> = 'unknown'): Partial<Reading> => ({
  network: { online, metered, bytes_per_s: 'unknown' }
})
const probe = (busy: Maybe<boolean>): Partial<Reading> => ({
  probes: { media: { busy, at: NOON, detail: '1 stream' } }
})
const signal = (value: number | string | boolean, expires = NOON + 1): Partial<Reading> => ({
  signals: { solar: { value, at: NOON, expires_at: expires } }
})

const CASES: [string, Gate, Partial<Reading>, Constraints, string][] = [
  ['not asked for', idle, { idle_seconds: 0 }, {}, '-'],
  ['asked not to be', idle, { idle_seconds: 0 }, { idle: false }, '-'],
  ['untouched for three minutes', idle, { idle_seconds: 180 }, { idle: true }, 'ok'],
  ['untouched for less', idle, { idle_seconds: 179 }, { idle: true }, 'in_use'],
  ['untouched for less than the task wants', idle, { idle_seconds: 599 }, { idle: '10m' }, 'in_use'],
  ['nobody can tell', idle, {}, { idle: true }, '+unknown'],
  ['untouched but computing', idle, { idle_seconds: 999, cpu: { busy: 0.4, own: 0, load: 'unknown', cores: 1 } }, {
    idle: true
  }, 'not_idle'],
  ['untouched and computing for us', idle, {
    idle_seconds: 999,
    cpu: { busy: 0.4, own: 0.35, load: 'unknown', cores: 1 }
  }, { idle: true }, 'ok'],
  ['untouched but downloading', idle, {
    idle_seconds: 999,
    network: { online: true, metered: false, bytes_per_s: 1e6 }
  }, { idle: true }, 'not_idle'],
  ['untouched but writing', idle, { idle_seconds: 999, io: { busy: 0, bytes_per_s: 1e6 } }, { idle: true }, 'not_idle'],
  ['not asked for', network, net(false), {}, '-'],
  ['online', network, net(true), { network: 'online' }, 'ok'],
  ['offline', network, net(false), { network: 'online' }, 'offline'],
  ['nobody can tell', network, net('unknown'), { network: 'online' }, 'network_unknown'],
  ['unmetered', network, net(true, false), { network: 'unmetered' }, 'ok'],
  ['metered', network, net(true, true), { network: 'unmetered' }, 'metered'],
  ['nobody can tell whether it is metered', network, net(true), { network: 'unmetered' }, 'metered_unknown'],
  ['offline and unmetered', network, net(false, false), { network: 'unmetered' }, 'offline'],
  ['not asked for', probes, probe(true), {}, '-'],
  ['busy', probes, probe(true), { not_while: ['media'] }, 'probe_busy'],
  ['quiet', probes, probe(false), { not_while: ['media'] }, 'ok'],
  ['silent', probes, probe('unknown'), { not_while: ['media'] }, 'probe_unknown'],
  ['never reported', probes, {}, { not_while: ['media'] }, 'probe_unknown'],
  ['one of two busy', probes, probe(true), { not_while: ['other', 'media'] }, 'probe_busy'],
  ['not asked for', signals, signal(1), {}, '-'],
  ['above', signals, signal(501), { signals: { solar: '> 500' } }, 'ok'],
  ['not above', signals, signal(500), { signals: { solar: '> 500' } }, 'signal_unmet'],
  ['never given', signals, {}, { signals: { solar: '> 500' } }, 'signal_unknown'],
  ['expired', signals, signal(501, NOON), { signals: { solar: '> 500' } }, 'signal_unknown'],
  ['a word', signals, signal('home'), { signals: { solar: 'home' } }, 'ok'],
  ['another word', signals, signal('away'), { signals: { solar: '!= away' } }, 'signal_unmet'],
  ['a truth', signals, signal(true), { signals: { solar: 'on' } }, 'ok'],
  ['of another kind', signals, signal('much'), { signals: { solar: '> 500' } }, 'signal_unmet'],
  ['a number in text', signals, signal('501'), { signals: { solar: '> 500' } }, 'ok'],
  ['one of two unmet', signals, signal(501), { signals: { solar: '> 500', price: '< 3' } }, 'signal_unknown'],
  ['a name of every object', signals, {}, { signals: { constructor: '> 5' } }, 'signal_unknown'],
  ['not asked for', window, {}, {}, '-'],
  ['inside by name', window, {}, { window: 'peak' }, 'ok'],
  ['outside by name', window, {}, { window: 'off_peak' }, 'outside_window'],
  ['inside as written', window, {}, { window: '11:59-12:01' }, 'ok'],
  ['at its end', window, {}, { window: '11:00-12:00' }, 'outside_window'],
  ['without a name', window, {}, { window: 'nights' }, 'window_missing']
]

for (const [what, gate, over, constraints, expected] of CASES) {
  t.test(`${gate.name}: ${what}`, t => {
    t.equal(word(gate, facts({ reading: reading(over), ...asking(constraints) })), expected)
    t.end()
  })
}

t.test('a closed window says when it opens, an open one until when', t => {
  t.match(window(facts(asking({ window: 'off_peak' }))), {
    clears_at: later(10),
    certain: true,
    source: 'task definition /constraints/window'
  })
  t.match(window(facts(asking({ window: 'peak' }))), { clears_at: null, message: /until 2026-11-22T22:00/ })
  t.end()
})

t.test('a written window is read in the zone of the task, a named one in its own', t => {
  const rome = { timezone: 'Europe/Rome', constraints: { window: '13:00-13:30' } }
  t.equal(word(window, facts({ task: rome })), 'ok')
  const tokyo = config({
    scheduling: { time_windows: { nights: { start: '20:00', end: '22:00', timezone: 'Asia/Tokyo' } } }
  })
  t.equal(word(window, facts({ config: tokyo, ...asking({ window: 'nights' }) })), 'ok')
  t.end()
})

t.test('the quiet that a task wants grows shorter as the deadline nears', t => {
  t.match(idle(facts({ reading: reading({ idle_seconds: 100 }), relaxed: 0.5, ...asking({ idle: true }) })), {
    ok: true,
    required: 90,
    relaxed_from: 180
  })
  t.end()
})
