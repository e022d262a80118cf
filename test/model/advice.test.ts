import t from 'tap'
import { classify } from '../../core/model/conditions/classify.ts'
import { NOON, config, desktop, laptop, onUps, reading } from './gates/machine.ts'
import { decisionFor, recommendationFor } from '../../core/model/conditions/advice.ts'
import { hintsFor } from '../../core/model/machine/hints.ts'
import { profileOf } from '../../core/model/machine/power.ts'
import { MINUTE } from '../../core/model/base/duration.ts'
import { taskOf } from '../task.ts'
import { whomToPreempt } from '../../core/model/admit/preempt.ts'
import type { PreemptCandidate } from '../../core/model/admit/preempt.ts'
import type { Priority } from '../../core/model/run/run.ts'
import type { Class } from '../../core/model/task/constraint.ts'
import type { Reading } from '../../core/model/machine/reading.ts'
import type { Task } from '../../core/model/task/task.ts'

const CONFIG = config()

const PROFILES: [string, Reading, string][] = [
  ['on mains', laptop(3, 'mains'), 'charging'],
  ['without a battery', desktop(), 'charging'],
  ['that tells nothing', reading(), 'charging'],
  ['at 15 %', laptop(15), 'battery_critical'],
  ['at 16 %', laptop(16), 'battery_low'],
  ['at 30 %', laptop(30), 'battery_low'],
  ['at 31 %', laptop(31), 'battery_normal'],
  ['at 100 %', laptop(100), 'battery_normal'],
  ['at a level that nobody knows', laptop('unknown'), 'battery_low'],
  ['on a UPS', onUps(90), 'ups'],
  ['with a battery and an unknown source', laptop('unknown', 'unknown'), 'battery_low']
]

for (const [what, machine, expected] of PROFILES) {
  t.test(`the profile of a machine ${what} is ${expected}`, t => {
    t.equal(profileOf(machine, CONFIG), expected)
    t.end()
  })
}

const CLASSED: [Partial<Task>, Class, string][] = [
  [{}, 'normal', 'no keyword'],
  [{ type: 'realtime' }, 'critical', 'type realtime'],
  [{ type: 'training' }, 'charging_only', 'type training'],
  [{ type: 'Sync' }, 'background', 'type sync'],
  [{ description: 'An urgent matter' }, 'critical', 'keyword urgent in description'],
  [{ description: 'backup_full of the house' }, 'charging_only', 'keyword backup_full in description'],
  [{ description: 'Backs up, compresses and analyzes' }, 'background', 'keyword backup in description'],
  [{ id: 'cleanup_old_logs' }, 'background', 'keyword cleanup in id'],
  [{ tags: ['user-action'] }, 'critical', 'keyword user_action in tags'],
  [{ description: 'runs an async import' }, 'normal', 'no keyword'],
  [{ description: 'This is not critical' }, 'normal', 'no keyword'],
  [{ description: 'A non-critical sync' }, 'background', 'keyword sync in description'],
  [{ description: 'urgent', class: 'background' }, 'background', 'set explicitly'],
  [{ description: 'urgent reindex and sync' }, 'critical', 'keyword urgent in description']
]

for (const [task, kind, because] of CLASSED) {
  t.test(`${JSON.stringify(task)} is ${kind}: ${because}`, t => {
    t.strictSame(classify(taskOf(task), CONFIG), { class: kind, because })
    t.end()
  })
}

t.test('the words that make a class come from the configuration', t => {
  const own = config({ classification: { background: { keywords: ['knit'], types: ['wool'] } } })
  t.equal(classify(taskOf({ description: 'knitting' }), own).because, 'keyword knit in description')
  t.equal(classify(taskOf({ type: 'wool' }), own).class, 'background')
  t.equal(classify(taskOf({ type: 'sync' }), own).class, 'normal')
  t.end()
})

t.test('hints shrink with the battery: 32, 16, 8, 4', t => {
  const at = (level: Reading['battery']['level']) => {
    const { batch_size: batch, quality, can_parallel: parallel, suspend_non_critical: suspend } = hintsFor(
      laptop(level),
      CONFIG
    )
    return [batch, quality, parallel, suspend]
  }
  t.strictSame([100, 80].map(at), [[32, 'high', true, false], [32, 'high', true, false]])
  t.strictSame([79, 50].map(at), [[16, 'medium', true, false], [16, 'medium', true, false]])
  t.strictSame([49, 30].map(at), [[8, 'low', false, false], [8, 'low', false, false]])
  t.strictSame([29, 0].map(at), [[4, 'minimal', false, true], [4, 'minimal', false, true]])
  t.strictSame(at('unknown'), [8, 'low', false, false])
  t.match(hintsFor(laptop(3, 'mains'), CONFIG), {
    batch_size: 32,
    cpu_limit: 0.9,
    network_limit: 0.8,
    profile: 'charging'
  })
  t.match(hintsFor(laptop(20), CONFIG), { cpu_limit: 0.5, network_limit: 0.3, profile: 'battery_low' })
  t.end()
})

const load = (cpu: number, memory: number, disk: number) =>
  desktop({
    cpu: { busy: cpu, own: 0, load: 0, cores: 1 },
    memory: { used: memory, available_bytes: 1 },
    disks: [{ path: '/', free_bytes: 1, used: disk }]
  })

t.test('the recommendation spares what is short, and all when more than one thing is', t => {
  const at = (...args: [number, number, number]) => recommendationFor(load(...args), CONFIG)
  t.strictSame([at(0.6, 0.7, 0.8), at(0.7, 0.7, 0.8), at(0.6, 0.8, 0.8), at(0.6, 0.7, 0.9), at(0.7, 0.8, 0.1),
    at(1, 1, 1)], ['process_now', 'defer_cpu_intensive', 'defer_memory_intensive', 'defer_disk_intensive',
    'defer_all_non_critical', 'defer_all_non_critical'])
  t.equal(recommendationFor(laptop(5), CONFIG), 'defer_all_non_critical')
  t.equal(recommendationFor(reading(), CONFIG), 'process_now')
  t.end()
})

const idle = (level: number): Reading => ({ ...laptop(level), idle_seconds: 999 })
const DECISIONS: [Class, string, Reading, string][] = [
  ['critical', 'at 1 %', laptop(1), 'execute_now'],
  ['charging_only', 'at 99 %', laptop(99), 'defer_to_charging'],
  ['charging_only', 'on mains at 85 %', laptop(85, 'mains'), 'execute_now'],
  ['charging_only', 'on mains at 40 %', laptop(40, 'mains'), 'defer_to_charging'],
  ['charging_only', 'without a battery', desktop(), 'execute_now'],
  ['background', 'at 51 %', laptop(51), 'execute_now'],
  ['background', 'at 50 %', laptop(50), 'defer_to_background'],
  ['background', 'on mains at 5 %', laptop(5, 'mains'), 'execute_now'],
  ['normal', 'without a battery', desktop(), 'execute_now'],
  ['normal', 'at 71 %', laptop(71), 'execute_now'],
  ['normal', 'at 70 % in use', laptop(70), 'defer_to_background'],
  ['normal', 'at 31 % idle', idle(31), 'execute_now'],
  ['normal', 'at 30 % idle', idle(30), 'defer_to_background']
]

for (const [kind, what, machine, expected] of DECISIONS) {
  t.test(`by power alone ${kind} ${what} is ${expected}`, t => {
    t.equal(decisionFor(kind, machine, CONFIG).decision, expected)
    t.end()
  })
}

t.test('a critical or high run takes the slot of the lowest preemptible run that started last', t => {
  const running = [
    { id: 'a', priority: 'normal', preemptible: true, started_at: 9 },
    { id: 'b', priority: 'low', preemptible: true, started_at: 1 },
    { id: 'c', priority: 'low', preemptible: true, started_at: 5 },
    { id: 'd', priority: 'low', preemptible: false, started_at: 7 }
  ] as const
  const whom = (
    priority: Priority,
    among: readonly Omit<PreemptCandidate, 'preempted'>[],
    over: Partial<PreemptCandidate> = {},
    now = NOON
  ) => whomToPreempt({ priority, running: among.map(one => ({ ...one, preempted: 0, ...over })), config: CONFIG, now })
  t.equal(whom('critical', running), 'c')
  t.equal(whom('high', running.filter(({ id }) => id === 'a')), 'a')
  t.equal(whom('normal', running), null)
  t.equal(whom('high', [{ id: 'x', priority: 'high', preemptible: true, started_at: 1 }]), null)
  t.equal(whom('critical', running.filter(({ id }) => id === 'd')), null)
  const after = (preempted: number, minutes: number) =>
    whom('critical', [running[2]], { preempted, started_at: NOON - minutes * MINUTE })
  t.strictSame([after(2, 0), after(3, 9), after(3, 10), after(4, 19), after(4, 20)], ['c', null, 'c', null, 'c'],
    'who gave way often keeps the next slot for longer each time')
  t.end()
})
