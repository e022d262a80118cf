import t from 'tap'
import { asking, config, facts, laptop, reading, word } from './machine.ts'
import { bandwidth } from '../../../core/model/gates/bandwidth.ts'
import { cpu } from '../../../core/model/gates/cpu.ts'
import { disk } from '../../../core/model/gates/disk.ts'
import { io } from '../../../core/model/gates/io.ts'
import { memory } from '../../../core/model/gates/memory.ts'
import { MINUTE } from '../../../core/model/base/duration.ts'
import { temperature } from '../../../core/model/gates/temperature.ts'
import { unknownReading } from '../../../core/model/machine/reading.ts'
import type { Constraints } from '../../../core/model/task/constraint.ts'
import type { Gate } from '../../../core/model/conditions/gate.ts'
import type { Maybe, Reading } from '../../../core/model/machine/reading.ts'

const cpuAt = (busy: Maybe<number>, own: Maybe<number> = 0): Partial<Reading> => ({
  cpu: { busy, own, load: 'unknown', cores: 4 }
})
const memoryAt = (used: Maybe<number>): Partial<Reading> => ({ memory: { used, available_bytes: 'unknown' } })
const ioAt = (busy: Maybe<number>): Partial<Reading> => ({ io: { busy, bytes_per_s: 'unknown' } })
const netAt = (bytes: Maybe<number>): Partial<Reading> => ({
  network: { online: true, metered: false, bytes_per_s: bytes }
})
const diskAt = (...free: Maybe<number>[]): Partial<Reading> => ({
  disks: free.map((bytes, index) => ({ path: `/d${index}`, free_bytes: bytes, used: 'unknown' }))
})
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
  ['full with our own work', memory, { memory: { used: 0.9, own: 0.3, available_bytes: 1e9 } }, {}, 'ok'],
  ['full to the brim with our own work', memory, { memory: { used: 0.96, own: 0.5, available_bytes: 1e7 } }, {},
    'memory_full'],
  ['full to the brim for a task that bears it', memory, { memory: { used: 0.96, own: 0.5, available_bytes: 1e7 } }, {
    memory_below: 0.6
  }, 'ok'],
  ['unknown', memory, memoryAt('unknown'), {}, '+unknown'],
  ['unknown to a task that asks', memory, memoryAt('unknown'), { memory_below: 0.5 }, 'memory_unknown'],
  ['above the own limit of the task', memory, memoryAt(0.6), { memory_below: 0.5 }, 'memory_full'],
  ['below the limit', io, ioAt(0.59), {}, 'ok'],
  ['at the limit', io, ioAt(0.6), {}, 'io_busy'],
  ['busy with our own work', io, { io: { busy: 0.9, bytes_per_s: 1e8, own: 0.4, own_bytes_per_s: 5e7 } }, {}, 'ok'],
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
  t.match(cpu(facts({ reading: { ...laptop(25), ...cpuAt(0.6) } })), {
    ok: false,
    required: 0.5,
    source: '/power/power_profiles/battery_low/cpu_limit'
  })
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

const waiting = (kind: keyof Reading['pressure'], some: number, over: Partial<Reading> = {}): Partial<Reading> => ({
  ...over,
  pressure: { ...unknownReading(0).pressure, [kind]: { some, full: 'unknown' } }
})

const PRESSURES: [string, Gate, Partial<Reading>, Constraints, string][] = [
  ['nobody waits', cpu, waiting('cpu', 10, cpuAt(0.6)), {}, 'ok'],
  ['programs wait although there is room on average', cpu, waiting('cpu', 60, cpuAt(0.6)), {}, 'cpu_pressure'],
  ['they wait for us', cpu, waiting('cpu', 90, cpuAt(0.9, 0.8)), {}, 'ok'],
  ['what waits is niced', cpu, waiting('cpu', 90, { cpu: { busy: 0.2, own: 0, niced: 0.8, load: 2, cores: 2 } }), {},
    'ok'],
  ['they wait, to a task that names its limit', cpu, waiting('cpu', 90, cpuAt(0.3)), { cpu_below: 0.5 }, 'ok'],
  ['they wait, and more is busy too', cpu, waiting('cpu', 90, cpuAt(0.9)), {}, 'cpu_busy'],
  ['nobody waits', memory, waiting('memory', 5, memoryAt(0.5)), {}, 'ok'],
  ['programs wait', memory, waiting('memory', 30, memoryAt(0.5)), {}, 'memory_pressure'],
  ['they wait for us', memory, waiting('memory', 30, { memory: { used: 0.5, own: 0.4, available_bytes: 'unknown' } }),
    {}, 'ok'],
  ['nobody waits', io, waiting('io', 40, ioAt(0.3)), {}, 'ok'],
  ['programs wait', io, waiting('io', 80, ioAt(0.3)), {}, 'io_pressure'],
  ['they wait, and nobody can tell for whom', io, waiting('io', 80), {}, '+unknown'],
  ['they wait for us', io, waiting('io', 80, { io: { busy: 0.5, own: 0.45, bytes_per_s: 'unknown' } }), {}, 'ok']
]

for (const [what, gate, over, constraints, expected] of PRESSURES) {
  t.test(`${gate.name} by pressure: ${what}`, t => {
    t.equal(word(gate, facts({ reading: reading(over), ...asking(constraints) })), expected)
    t.end()
  })
}

t.test('a pressure says where its limit is written, and gives way to a deadline', t => {
  const ask = { reading: reading(waiting('io', 80, ioAt(0.3))) }
  t.match(io(facts(ask)), {
    message: 'programs wait for a disk 80 % of the time, limit 50 %',
    source: '/resources/io_pressure_limit',
    observed: 0.8,
    required: 0.5
  })
  t.match(io(facts({ ...ask, relaxed: 1 })), { ok: true })
  t.match(io(facts({ ...ask, config: config({ resources: { io_pressure_limit: 0.9 } }) })), { ok: true, code: 'ok' })
  t.end()
})

const BUSY = reading({ ...cpuAt(1), ...memoryAt(0.99), ...ioAt(1), ...netAt(1e9), power: 'mains' })

t.test('load never holds a check or a monitor, and the answer says so; its own limits do', t => {
  const monitors = [{ type: 'check' }, { type: 'Heartbeat' }, { type: 'health-check' }, { id: 'heartbeat' }, {
    name: 'Nightly health check'
  }, { tags: ['watchdog'] }]
  for (const task of monitors) {
    for (const gate of [cpu, memory, io, bandwidth]) {
      t.equal(word(gate, facts({ reading: BUSY, config: LINE, task })), '+monitor',
        `${JSON.stringify(task)} ${gate.name}`)
    }
  }
  t.match(cpu(facts({ reading: BUSY, task: { type: 'check' } })), {
    message: 'other programs use 100 % of the processors, limit 70 %: load never holds a check or monitor'
  })
  t.equal(word(cpu, facts({ reading: BUSY, task: { type: 'check', constraints: { cpu_below: 0.5 } } })), 'cpu_busy')
  const others = [{ type: 'backup' }, { id: 'heartbeating' }, { name: 'Check the disks' }, { id: 'sync_healthy' }]
  for (const task of others) t.equal(word(cpu, facts({ reading: BUSY, task })), 'cpu_busy', JSON.stringify(task))
  t.end()
})

t.test('load that has lasted for longer than the patience holds nothing on mains, and says for how long', t => {
  const after = (minutes: number) => ({ ...BUSY, trends: { cpu: { mean: 1, value: 1, lasted: minutes * MINUTE } } })
  t.match(cpu(facts({ reading: after(29) })), { ok: false, code: 'cpu_busy' })
  t.match(cpu(facts({ reading: after(30) })), {
    ok: true,
    code: 'lasting',
    required: 0.7,
    message: /100 % of the processors, limit 70 %: it has lasted 30 m, lasting load holds nothing on mains/
  })
  t.match(cpu(facts({ reading: { ...laptop(90), ...cpuAt(1), trends: after(600).trends } })), { ok: false })
  t.match(cpu(facts({ reading: after(600), ...asking({ cpu_below: 0.5 }) })), { ok: false })
  t.match(io(facts({ reading: after(600) })), { ok: false }, 'each load has lasted by itself')
  t.equal(
    word(memory,
      facts({ reading: { ...BUSY, trends: { memory: { mean: 0.99, value: 0.99, lasted: 600 * MINUTE } } } })),
    'memory_full',
    'full memory is full'
  )
  t.end()
})

t.test('the reason shows the mean and, once it is below the limit, how far it must still fall', t => {
  const result = cpu(
    facts({ reading: reading({ ...cpuAt(0.72), trends: { cpu: { mean: 0.6667, value: 0.72, lasted: 0 } } }) })
  )
  t.match(result, {
    ok: false,
    observed: 0.67,
    message: 'other programs use 67 % of the processors, limit 70 %, must fall below 65 %'
  })
  const fallen = cpu(
    facts({ reading: reading({ ...cpuAt(0.9), trends: { cpu: { mean: 0.43, value: 0.9, lasted: 0 } } }) })
  )
  t.match(fallen, {
    ok: false,
    observed: 0.43,
    message: 'other programs use 43 % of the processors, limit 70 %, must stay below 65 % for 1 m'
  }, 'one that has fallen far within a dwell')
  t.end()
})
