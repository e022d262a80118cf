import fc from 'fast-check'
import type { MachineState } from '../../../core/model/machine/machine-state.ts'
import type { ConfigFile } from '../../../core/model/config/config.ts'
import type { TaskDefinition } from '../../../core/index.ts'

/** A random task; `took` is the duration of each of its runs in minutes. */
export interface DrawnTask {
  definition: Omit<TaskDefinition, 'func'>
  took: number
}

/** An action of a person before the forecast; `at` is in minutes from the start of the world. */
export type Act =
  | { at: number, kind: 'enqueue', task: number, delay: number, priority: 'critical' | 'high' | 'normal' | 'low' }
  | { at: number, kind: 'pause', scope: 'all' | 'task' | 'queue', task: number, minutes: number | null }

export interface World {
  config: ConfigFile
  tasks: DrawnTask[]
  acts: Act[]
  reading: MachineState
  /** When the forecast is made, in minutes from the start of the world. */
  asked: number
  /** Changes of the machine before and after it; `at` is in minutes from the start of the world. */
  course: { at: number, change: MachineState }[]
}

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)

/** An object with the key, or without it `absent` times as often. */
const sometimes = <K extends string, T>(key: K, values: fc.Arbitrary<T>, absent = 3): fc.Arbitrary<{ [P in K]?: T }> =>
  fc.oneof(
    { weight: absent, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: values.map(value => ({ [key]: value })) }
  ) as fc.Arbitrary<{ [P in K]?: T }>

const trigger = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(
      oneOf(5, 7, 10, 15, 20, 30),
      fc.nat(4)
    ).map(([every, from]) => ({ trigger: 'cron', trigger_args: { minute: `${from}-59/${every}` } }))
  },
  { weight: 2, arbitrary: fc.nat(59).map(minute => ({ trigger: 'cron', trigger_args: { minute } })) },
  { weight: 2, arbitrary: oneOf(6, 11, 25).map(minutes => ({ trigger: 'interval', trigger_args: { minutes } })) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 20, max: 90 }).map(seconds => ({
      trigger: 'cron',
      trigger_args: { minute: '*/6', jitter: seconds }
    }))
  },
  { weight: 1, arbitrary: fc.constant({}) }
)

const window = fc.tuple(
  oneOf(0, 10, 30, 45),
  oneOf(0, 20, 40, 59)
).map(([from, to]) => `13:${String(from).padStart(2, '0')}-14:${String(to).padStart(2, '0')}`)

const constraints = fc.tuple(
  sometimes('window', window, 3),
  sometimes(
    'power',
    oneOf('mains' as const),
    5
  ),
  sometimes('cpu_below', oneOf(0.3), 6),
  sometimes('idle', fc.constant(true), 8),
  sometimes('signals', fc.constant({ price: '< 10' }), 8),
  sometimes('network', oneOf('online' as const), 8)
).map(all => Object.assign({}, ...all) as TaskDefinition['constraints'])

const ids = ['a', 'b', 'c', 'd', 'e', 'f']

const policies = fc.tuple(
  sometimes('deadline', oneOf('3m', '10m', '40m', '2h'), 1),
  sometimes(
    'on_deadline',
    oneOf('run' as const, 'skip' as const, 'fail' as const),
    2
  ),
  sometimes('on_unmet', oneOf('run' as const, 'skip' as const), 4),
  sometimes(
    'overlap',
    oneOf('queue' as const, 'allow' as const, 'replace' as const),
    2
  ),
  sometimes('queue', fc.constant('q'), 2),
  sometimes(
    'locks',
    fc.constant(['l']),
    4
  ),
  sometimes('alone', fc.constant(true), 8),
  sometimes(
    'on_lost',
    oneOf('yield' as const, 'cancel' as const),
    4
  ),
  sometimes('preemptible', fc.boolean(), 4),
  sometimes('concurrency', oneOf(1, 2), 4)
).map(all => Object.assign({}, ...all) as Partial<TaskDefinition>)

const urgency = fc.tuple(
  sometimes('class', oneOf('critical' as const, 'background' as const, 'normal' as const), 1),
  sometimes('priority', oneOf('critical' as const, 'high' as const, 'low' as const), 2)
)
  .map(all => Object.assign({}, ...all) as Partial<TaskDefinition>)

interface Drawn {
  when: object
  constraints: TaskDefinition['constraints']
  policies: Partial<TaskDefinition>
  urgency: Partial<TaskDefinition>
  took: number
  isTight: boolean
}

const task: fc.Arbitrary<Drawn> = fc.record({
  when: trigger,
  constraints,
  policies,
  urgency,
  took: oneOf(0, 0.5, 2, 4, 9, 22),
  isTight: fc.boolean()
})

/** A valid definition. A schedule whose deadline ends before its window opens is refused, so a task with both has no
 *  trigger. */
function fitting ({
  when,
  constraints: asks,
  policies: how,
  urgency: urgent,
  took,
  isTight
}: Drawn): Omit<TaskDefinition, 'func' | 'id'> {
  const { trigger: kind, trigger_args: args, ...rest } = { ...when, ...how } as Partial<TaskDefinition>
  const isFree = asks?.window === undefined || how.deadline === undefined
  return {
    timeout: isTight ? Math.ceil(took * 60) + 30 : '1h',
    max_retries: 0,
    ...rest,
    ...isFree && kind && { trigger: kind, trigger_args: args! },
    ...urgent,
    constraints: asks!
  }
}

const tasks = fc.array(task, { minLength: 1, maxLength: 5 }).map(all =>
  all.map((drawn, place): DrawnTask => ({
    took: drawn.took,
    definition: { id: ids[place]!, ...fitting(drawn) }
  }))
)

const dependent = fc.tuple(tasks, fc.nat(6)).map(([all, chain]) =>
  chain > 0 || all.length < 2
    ? all
    : all.map((one, place) =>
      place === 1
        ? {
          ...one,
          definition: { ...one.definition, depends_on: [{ task: 'a' }] }
        }
        : one
    )
)

const config = fc.record({
  slots: oneOf(1, 2, 3, 10),
  queue: fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 2, arbitrary: fc.constant({ concurrency: 1 }) },
    { weight: 1, arbitrary: fc.constant({ rate: { limit: 2, per: '20m' } }) }
  ),
  priorities: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.constant({ max_concurrent_tasks: { normal: 1, critical: 1 } }) }
  ),
  dwell: oneOf('0s', '60s')
}).map(({ slots, queue, priorities, dwell }): ConfigFile => ({
  manager: { scheduler_thread_pool: slots },
  queues: { q: queue },
  scheduling: { dwell, ...priorities }
}))

const state: fc.Arbitrary<MachineState> = fc.oneof(
  fc.tuple(
    oneOf('battery' as const, 'mains' as const),
    oneOf(10, 25, 45, 80, 100)
  ).map(([power, level]): MachineState => ({ power, battery: { level, charging: power === 'mains' } })),
  oneOf(0.02, 0.4, 0.95).map((busy): MachineState => ({ cpu: { busy, own: 0 } })),
  oneOf(0, 3600).map((idle): MachineState => ({ idle_seconds: idle })),
  fc.boolean().map((online): MachineState => ({ network: { online } })),
  oneOf(5, 20, null).map((price): MachineState => ({ signals: { price } }))
)

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      at: fc.nat(25),
      kind: fc.constant('enqueue' as const),
      task: fc.nat(4),
      delay: oneOf(0, 0, 0, 40, 70),
      priority: oneOf('normal' as const, 'high' as const, 'low' as const, 'critical' as const)
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      at: fc.nat(25),
      kind: fc.constant('pause' as const),
      scope: oneOf('all' as const, 'task' as const, 'task' as const, 'queue' as const),
      task: fc.nat(4),
      minutes: oneOf(null, 20, 45, 90)
    })
  }
)

const byTime = <T extends { at: number }>(all: T[]): T[] => all.toSorted((a, b) => a.at - b.at)

/** Random worlds: a few tasks, actions of people before the forecast, and changes of the machine. */
export const worlds: fc.Arbitrary<World> = fc.record({
  config,
  tasks: dependent,
  acts: fc.array(act, { maxLength: 5 }).map(byTime),
  reading: fc.oneof(fc.constant({}), state),
  asked: fc.integer({ min: 0, max: 30 }),
  course: fc.array(fc.record({ at: fc.nat(150), change: state }), { maxLength: 8 }).map(byTime)
})
