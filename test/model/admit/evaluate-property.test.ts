import t from 'tap'
import fc from 'fast-check'
import { CONFIG, machines, priorities, tasks, times } from '../gates/worlds.ts'
import { NOON, reading, run, occupancy } from '../gates/machine.ts'
import { evaluate } from '../../../core/model/admit/evaluate.ts'
import { taskOf } from '../../task.ts'
import type { Reading } from '../../../core/model/machine/reading.ts'

const standings = fc.record({
  free: fc.constantFrom(0, 5, 10),
  active: fc.constant(0),
  priorities: fc.constantFrom({}, { low: 1, critical: 3 }),
  background: fc.constantFrom(0, 5)
}).map(occupancy)

const worlds = fc.record({ task: tasks, machine: machines, priority: priorities, stand: standings, after: times })
type World = typeof worlds extends fc.Arbitrary<infer W> ? W : never

const judge = ({ task, machine, priority, stand, after }: World, over: { reading?: Reading, now?: number } = {}) =>
  evaluate({
    task,
    run: run({ priority }),
    reading: machine,
    hysteresis: null,
    config: CONFIG,
    occupancy: stand,
    now: NOON + after,
    ...over
  })

t.test('a verdict is start if and only if every gate is open or bypassed', t => {
  fc.assert(fc.property(worlds, world => {
    const { decision, gates } = judge(world)
    return (decision === 'start') === gates.every(({ ok }) => ok)
  }), { numRuns: 1000 })
  t.end()
})

t.test('a critical run is held by order and safety alone', t => {
  fc.assert(fc.property(worlds, world => {
    const critical = world.priority === 'critical' || world.task.class === 'critical'
    return !critical || judge(world).gates.every(({ ok, kind }) => ok || kind !== 'condition')
  }), { numRuns: 1000 })
  t.end()
})

t.test('a run passes closed conditions alone, a critical one also shares of slots, and each pass names why', t => {
  fc.assert(
    fc.property(worlds, world =>
      judge(world).gates.every(({ bypassed, kind, code, ok }) =>
        bypassed === null ||
        (ok && code !== 'ok' && (kind === 'condition' || (kind === 'share' && bypassed === 'critical')))
      )),
    { numRuns: 500 }
  )
  t.end()
})

const open = (world: World, machine: Reading) =>
  new Set(judge(world, { reading: machine }).gates.filter(({ ok }) => ok).map(({ gate }) => gate))

/** Each makes one thing of a machine better. */
const BETTER: Record<string, (machine: Reading) => Reading> = {
  'more battery': machine => ({
    ...machine,
    battery: {
      ...machine.battery,
      level: machine.battery.level === 'unknown' ? 'unknown' : Math.min(100, machine.battery.level + 20)
    }
  }),
  'less use of the processors': machine => ({
    ...machine,
    cpu: { ...machine.cpu, busy: machine.cpu.busy === 'unknown' ? 'unknown' : machine.cpu.busy / 2 }
  }),
  'less use of the memory': machine => ({
    ...machine,
    memory: { ...machine.memory, used: machine.memory.used === 'unknown' ? 'unknown' : machine.memory.used / 2 }
  }),
  'less work for the disk': machine => ({
    ...machine,
    io: {
      busy: machine.io.busy === 'unknown' ? 'unknown' : machine.io.busy / 2,
      bytes_per_s: machine.io.bytes_per_s === 'unknown' ? 'unknown' : 0
    }
  }),
  'a cooler machine': machine => ({
    ...machine,
    temperature: machine.temperature === 'unknown' ? 'unknown' : machine.temperature - 20
  }),
  'more free disk': machine => ({ ...machine, disks: machine.disks.map(disk => ({ ...disk, free_bytes: 1e12 })) }),
  'a longer quiet': machine => ({
    ...machine,
    idle_seconds: machine.idle_seconds === 'unknown' ? 'unknown' : machine.idle_seconds + 1000
  }),
  'a network that is there and free': machine => ({
    ...machine,
    network: { online: true, metered: false, bytes_per_s: machine.network.bytes_per_s === 'unknown' ? 'unknown' : 0 }
  })
}

for (const [what, better] of Object.entries(BETTER)) {
  t.test(`${what} closes no gate`, t => {
    fc.assert(fc.property(worlds, world => {
      const before = open(world, world.machine)
      const after = open(world, better(world.machine))
      return [...before].every(gate => after.has(gate))
    }), { numRuns: 300 })
    t.end()
  })
}

t.test('the instant at which a closed window is said to open is the first one at which it is open', t => {
  const windows = fc.constantFrom('peak', 'off_peak', '11:00-13:00', '02:30-04:00', '23:15-01:45')
  const zones = fc.constantFrom('UTC', 'Europe/Rome', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata')
  const instants = fc.integer({ min: Date.parse('2026-01-01T00:00:00Z'), max: Date.parse('2027-12-31T00:00:00Z') })
  fc.assert(fc.property(windows, zones, instants, (window, timezone, now) => {
    const task = taskOf({ constraints: { window }, timezone })
    const at = (instant: number) =>
      evaluate({
        task,
        run: run({ due_at: now }),
        reading: reading(),
        hysteresis: null,
        config: CONFIG,
        occupancy: occupancy(),
        now: instant
      }).gates.find(({ gate }) => gate === 'window')!
    const result = at(now)
    if (result.ok) return result.clears_at === null
    const opens = result.clears_at!
    return opens > now && at(opens).ok && !at(opens - 1).ok && !at(now + Math.floor((opens - now) / 2)).ok
  }), { numRuns: 500 })
  t.end()
})
