import fc from 'fast-check'
import { config, reading } from './machine.ts'
import { taskOf } from '../../task.ts'
import type { Constraints } from '../../../core/model/task/constraint.ts'
import type { Reading } from '../../../core/model/machine/reading.ts'
import type { Task } from '../../../core/model/task/task.ts'

/** The defaults, with a line whose capacity is known. */
export const CONFIG = config({ resources: { network_capacity: 1000 } })

const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary }, { weight: 1, arbitrary: fc.constant('unknown' as const) })
const share = fc.integer({ min: 0, max: 100 }).map(value => value / 100)
const truth = fc.boolean()

/** Machines of all kinds, some of whose sensors tell nothing. */
export const machines: fc.Arbitrary<Reading> = fc.record({
  power: maybe(fc.constantFrom('mains' as const, 'battery' as const)),
  battery: fc.record({
    present: maybe(truth),
    level: maybe(fc.integer({ min: 0, max: 100 })),
    charging: maybe(truth),
    seconds_left: fc.constant('unknown' as const)
  }),
  ups: fc.constant(null),
  cpu: fc.record({ busy: maybe(share), own: fc.constant(0), load: fc.constant(0), cores: fc.constant(4) }),
  memory: fc.record({ used: maybe(share), available_bytes: fc.constant(1) }),
  io: fc.record({ busy: maybe(share), bytes_per_s: maybe(fc.constantFrom(0, 1e6)) }),
  network: fc.record({ online: maybe(truth), metered: maybe(truth), bytes_per_s: maybe(fc.constantFrom(0, 600, 1e6)) }),
  disks: fc.constantFrom<Reading['disks']>([], [{ path: '/', free_bytes: 5e7, used: 1 }], [{
    path: '/',
    free_bytes: 5e9,
    used: 0.5
  }]),
  temperature: maybe(fc.integer({ min: 20, max: 110 })),
  idle_seconds: maybe(fc.constantFrom(0, 100, 1000))
}).map(over => reading(over as Partial<Reading>))

const constraints: fc.Arbitrary<Constraints> = fc.record({
  power: fc.constantFrom('mains' as const, 'charging' as const, 'any' as const),
  battery_above: fc.integer({ min: 0, max: 100 }),
  idle: fc.constantFrom(true, '10m'),
  cpu_below: fc.constantFrom(0.2, 0.9),
  memory_below: fc.constantFrom(0.2, 0.9),
  network: fc.constantFrom('online' as const, 'unmetered' as const),
  disk_free: fc.constantFrom('1 GB', 0),
  temperature_below: fc.constantFrom(50, 80),
  window: fc.constantFrom('peak', 'off_peak', '11:00-13:00')
}, { requiredKeys: [] })

/** Tasks that ask for something, wait for some time and then do something. */
export const tasks: fc.Arbitrary<Task> = fc.record({
  constraints,
  class: fc.constantFrom('critical' as const, 'charging_only' as const, 'background' as const, 'normal' as const, null),
  on_unmet: fc.constantFrom('hold' as const, 'skip' as const, 'run' as const),
  on_deadline: fc.constantFrom('run' as const, 'skip' as const, 'fail' as const),
  deadlineMs: fc.constantFrom(1000, 3_600_000, 86_400_000),
  type: fc.constantFrom('', 'sync')
}).map(over => taskOf(over))

/** All priorities. */
export const priorities = fc.constantFrom('critical' as const, 'high' as const, 'normal' as const, 'low' as const)

/** Times since noon, ms: up to more than a day. */
export const times = fc.integer({ min: 0, max: 26 * 3_600_000 })
