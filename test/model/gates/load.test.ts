import t from 'tap'
import { asking, config, facts, laptop, reading, word } from './machine.ts'
import { bandwidth } from '../../../core/model/gates/bandwidth.ts'
import { cpu } from '../../../core/model/gates/cpu.ts'
import { disk } from '../../../core/model/gates/disk.ts'
import { io } from '../../../core/model/gates/io.ts'
import { memory } from '../../../core/model/gates/memory.ts'
import { temperature } from '../../../core/model/gates/temperature.ts'
import type { Constraints } from '../../../core/model/task/constraint.ts'
import type { Gate } from '../../../core/model/gates/gate.ts'
import type { Maybe, Reading } from '../../../core/model/machine/reading.ts'

const cpuAt = (busy: Maybe<number>, own: Maybe<number> = 0): Partial<Reading> => ({ cpu: { busy, own, load: 'unknown', cores: 4 } })
const memoryAt = (used: Maybe<number>): Partial<Reading> => ({ memory: { used, available_bytes: 'unknown' } })
const ioAt = (busy: Maybe<number>): Partial<Reading> => ({ io: { busy, bytes_per_s: 'unknown' } })
const netAt = (bytes: Maybe<number>): Partial<Reading> => ({ network: { online: true, metered: false, bytes_per_s: bytes } })
const diskAt = (...free: Maybe<number>[]): Partial<Reading> => ({ disks: free.map((bytes, index) => ({ path: `/d${index}`, free_bytes: bytes, used: 'unknown' })) })
const LINE = config({ resources: { network_capacity: 1000 } })

const CASES: [string, Gate, Partial<Reading>, Constraints, string][] = [
  ['below the limit', cpu, cpuAt(0.69), {}, 'ok'],
  ['at the limit', cpu, cpuAt(0.7), {}, 'cpu_busy'],
  ['busy with our own work', cpu, cpuAt(0.95, 0.5), {}, 'ok'],
  ['unknown', cpu, cpuAt('unknown'), {}, '+unknown'],
  ['unknown own part', cpu, cpuAt(0.8, 'unknown'), {}, 'cpu_busy'],
  ['above the own limit of the task', cpu, cpuAt(0.3), { cpu_below: 0.25 }, 'cpu_busy'],
  ['a task that bears more', cpu, cpuAt(0.8), { cpu_below: 0.9 }, 'ok'],
  ['unknown to a task that asks', cpu, cpuAt('unknown'), { cpu_below: 0.9 }, 'cpu_unknown'],
  ['any at all for a task that says 1', cpu, cpuAt(1), { cpu_below: 1 }, 'ok'],
  ['below the limit', memory, memoryAt(0.79), {}, 'ok'],
  ['at the limit', memory, memoryAt(0.8), {}, 'memory_full'],
  ['unknown', memory, memoryAt('unknown'), {}, '+unknown'],
  ['unknown to a task that asks', memory, memoryAt('unknown'), { memory_below: 0.5 }, 'memory_unknown'],
  ['above the own limit of the task', memory, memoryAt(0.6), { memory_below: 0.5 }, 'memory_full'],
  ['below the limit', io, ioAt(0.59), {}, 'ok'],
  ['at the limit', io, ioAt(0.6), {}, 'io_busy'],
  ['unknown', io, ioAt('unknown'), {}, '+unknown'],
  ['above the own limit of the task', io, ioAt(0.3), { io_below: 0.2 }, 'io_busy'],
  ['a line of unknown capacity', bandwidth, netAt(1e9), {}, '-'],
  ['free', disk, diskAt(2e9), {}, 'ok'],
  ['one of two full', disk, diskAt(2e9, 5e7), {}, 'disk_full'],
  ['unknown', disk, diskAt('unknown'), {}, '+unknown'],
  ['unknown to a task that asks', disk, diskAt('unknown'), { disk_free: '1 GB' }, 'disk_unknown'],
  ['less than the task asks for', disk, diskAt(2e9), { disk_free: '5 GB' }, 'disk_full'],
  ['as much as the task asks for', disk, diskAt(5e9), { disk_free: 5e9 }, 'ok'],
  ['full for a task that frees space', disk, diskAt(0), { disk_free: 0 }, '-'],
  ['cool', temperature, { temperature: 94 }, {}, 'ok'],
  ['hot', temperature, { temperature: 95 }, {}, 'too_hot'],
  ['unknown', temperature, {}, {}, '-'],
  ['unknown to a task that asks', temperature, {}, { temperature_below: 60 }, '+unknown'],
  ['hotter than the task asks for', temperature, { temperature: 61 }, { temperature_below: 60 }, 'too_hot'],
  ['a task that bears more than the machine', temperature, { temperature: 96 }, { temperature_below: 120 }, 'too_hot']
]

for (const [what, gate, over, constraints, expected] of CASES) {
  t.test(`${gate.name}: ${what}`, t => {
    t.equal(word(gate, facts({ reading: reading(over), ...asking(constraints) })), expected)
    t.end()
  })
}

t.test('on battery the profile has the lower limit of the processors, and the answer names it', t => {
  t.match(cpu(facts({ reading: { ...laptop(25), ...cpuAt(0.6) } })), { ok: false, required: 0.5, source: '/power/power_profiles/battery_low/cpu_limit' })
  t.match(cpu(facts({ reading: { ...laptop(90), ...cpuAt(0.6) } })), { ok: true, required: 0.7 })
  t.match(cpu(facts(asking({ cpu_below: 0.2 }))), { source: 'task definition /constraints/cpu_below' })
  t.end()
})

t.test('the line counts when its capacity is known, less of it on battery', t => {
  t.equal(word(bandwidth, facts({ config: LINE, reading: reading(netAt(499)) })), 'ok')
  t.equal(word(bandwidth, facts({ config: LINE, reading: reading(netAt(500)) })), 'network_busy')
  t.equal(word(bandwidth, facts({ config: LINE, reading: { ...laptop(10), ...netAt(250) } })), 'network_busy')
  t.equal(word(bandwidth, facts({ config: LINE, reading: reading(netAt('unknown')) })), '+unknown')
  t.end()
})

t.test('a limit gives way as the deadline nears, and is gone at it', t => {
  const at = (relaxed: number, busy: number) => cpu(facts({ reading: reading(cpuAt(busy)), relaxed }))
  t.match(at(0.5, 0.8), { ok: true, required: 0.85, relaxed_from: 0.7 })
  t.match(at(0.5, 0.9), { ok: false })
  t.match(at(1, 1), { ok: true, required: 1 })
  t.notOk(Object.hasOwn(at(0, 0.1)!, 'relaxed_from'))
  t.end()
})
