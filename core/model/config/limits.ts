import { Type } from 'typebox'
import type { Static } from 'typebox'
import { DurationSchema, group, lasting, limit, percent, section, share } from '../base/section.ts'
import { PRIORITIES } from '../run/run.ts'
import type { Priority } from '../run/run.ts'

/** Monday first. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
type Weekday = typeof WEEKDAYS[number]

/** When a limit on slots is in force. `on_battery` includes a UPS on battery. */
const REGIMES = ['on_battery', 'always', 'never'] as const
type Regime = typeof REGIMES[number]

const TIME = '^(?:(?:[01]\\d|2[0-3]):[0-5]\\d|24:00)$'

const whole = (standard: number, description: string, minimum = 0) =>
  Type.Integer({ default: standard, minimum, maximum: 1_000_000, description })
const duration = (standard: string | number, description: string) => ({
  ...DurationSchema,
  default: standard,
  description
})
const lastingFor = (standard: string | number, why: string, description: string) => ({
  ...lasting(why),
  default: standard,
  description
})
const words = (standard: string[], description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { default: standard, maxItems: 200, description })
const regime = (description: string) =>
  Type.Unsafe<Regime>({ type: 'string', enum: [...REGIMES], default: 'on_battery', description })

/** Hours of the day. The day of a window over midnight is the one on which it opens. */
const WindowSchema = Type.Object({
  start: Type.String({ pattern: TIME, description: 'When it opens, HH:MM' }),
  end: Type.String({
    pattern: TIME,
    description: 'When it closes, HH:MM; on the next day unless later than the start'
  }),
  resource_limit: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Share of the slots of the power profile that may be in use meanwhile; 0: only critical runs'
    })
  ),
  days: Type.Optional(
    Type.Unsafe<Weekday[]>({
      type: 'array',
      minItems: 1,
      items: { type: 'string', enum: [...WEEKDAYS] },
      description: 'The days on which it opens; every day when absent'
    })
  ),
  timezone: Type.Optional(
    Type.String({ title: 'time zone', minLength: 1, description: 'IANA time zone; manager.timezone when absent' })
  )
}, { additionalProperties: false, description: 'Hours of the day' })
export type WindowSetting = Static<typeof WindowSchema>

/** The windows that exist unless config.json says otherwise. */
export const TIME_WINDOWS = {
  peak: { start: '08:00', end: '22:00', resource_limit: 0.5 },
  off_peak: { start: '22:00', end: '08:00', resource_limit: 0.8 }
}

/** Priority of a run by the type of its task, for tasks without a priority. */
export const TASK_PRIORITIES: Record<string, Priority> = {
  backup: 'high',
  sync: 'normal',
  maintenance: 'low',
  indexing: 'low'
}

/** `least`: 0 where no slot makes sense, since critical runs have reserved slots. */
const profile = (standard: [cpu: number, slots: number, network: number], description: string, least = 0) =>
  group({
    cpu_limit: limit(standard[0], 'No run starts while other programs use a larger share of the processors'),
    task_concurrency: Type.Integer({
      default: standard[1],
      minimum: least,
      maximum: 1_000_000,
      why: 'at 0 no run would ever start',
      description: least === 0
        ? 'How many runs at once, see scheduling.profile_slots; 0: only critical runs'
        : 'How many runs at once, see scheduling.profile_slots'
    }),
    network_limit: limit(standard[2], 'No run starts while a larger share of resources.network_capacity is in use')
  }, description)

const hint = (
  standard: [level: number, batch: number, quality: string, parallel: boolean, suspend: boolean],
  description: string
) =>
  group({
    level: percent(standard[0], 'Applies from this battery level'),
    batch_size: whole(standard[1], 'Suggested batch size', 1),
    quality: Type.String({ default: standard[2], description: 'Suggested quality' }),
    can_parallel: Type.Boolean({ default: standard[3] }),
    suspend_non_critical: Type.Boolean({ default: standard[4] })
  }, description)

const classed = (keywords: string[], types: string[], description: string) =>
  group({
    keywords: words(keywords, 'Tasks with a word that begins with one in id, name, tags or description have the class'),
    types: words(types, 'Tasks of these types have the class')
  }, description)

const Scheduling = section({
  max_concurrent_tasks: group({
    critical: whole(3,
      'Critical runs at once; this many slots are reserved for them, besides manager.scheduler_thread_pool', 1),
    high: whole(2, 'High runs at once', 1),
    normal: whole(1, 'Normal runs at once', 1),
    low: whole(1, 'Low runs at once', 1)
  }, 'How many runs of each priority may run at once, see priority_slots'),
  priority_slots: regime('When max_concurrent_tasks is in force; always once config.json sets any of its numbers'),
  profile_slots: regime(
    'When task_concurrency × resource_limit is in force; always once config.json sets either of them'
  ),
  time_windows: Type.Record(Type.String(), WindowSchema, {
    default: TIME_WINDOWS,
    description: 'Hours of the day, by name'
  }),
  max_background_batch: whole(5, 'How many runs of the class background at once', 1),
  idle_check_interval: duration(60,
    'How often to check whether someone is using the machine; sessions with a screen at most once a minute'),
  dwell: duration('60s',
    'How long a gate keeps its result after a reading changed it; load is averaged over this time'),
  signal_dwell: duration('60s', 'How long a custom signal keeps its value after a change'),
  load_patience: duration('30m',
    'On mains, load that has lasted longer no longer holds runs; the constraints of a task still do'),
  nothing_started: duration('6h',
    'Health is degraded, with a notice, when no run has started for this long although one is due; 0: never'),
  deadline: lastingFor('24h', 'no run could be held', 'How long a run may be held when its task sets no deadline'),
  relax_from: share(0.5,
    'Share of the time to the deadline after which limits relax, step by step, until none is left at the deadline'),
  preempt_limit: whole(3, 'After this many preemptions a run keeps its next slot for preempt_after'),
  preempt_after: duration('10m', 'How long such a run keeps its slot; doubled each further time'),
  aging: duration('15m', 'One waiting run of each lower priority starts at least this often')
}, 'When runs may start')

const Resources = section({
  cpu_limit: limit(0.7,
    'No run starts while other programs use more of the processors, niced ones aside; 1: never holds runs on mains'),
  memory_limit: limit(0.8,
    'No run starts while other programs use more of the memory; reclaimable caches do not count'),
  io_limit: limit(0.6, 'No run starts while other programs keep the busiest disk busy for more of the time'),
  network_limit: limit(0.5, 'No run starts while other programs use more of network_capacity'),
  cpu_pressure_limit: limit(0.5,
    'No run starts while programs wait for a processor for more of the time (Linux PSI); off when cpu_limit is 1'),
  memory_pressure_limit: limit(0.2, 'The same for waiting on memory'),
  io_pressure_limit: limit(0.5, 'The same for waiting on a disk'),
  network_capacity: Type.Unsafe<number | null>({
    type: ['number', 'null'],
    minimum: 1,
    default: null,
    description: 'Bytes per second of the network; null: unknown, network_limit is off'
  }),
  disk_limit: share(0.9, 'A disk that is fuller leads to the recommendation defer_disk_intensive'),
  disk_reserve: Type.Number({
    default: 100_000_000,
    minimum: 0,
    description: 'No run starts with fewer free bytes on a watched disk, except tasks with their own disk_free'
  }),
  temperature_limit: Type.Number({
    default: 95,
    minimum: 20,
    maximum: 200,
    why: 'every machine is warmer, no run would ever start',
    description: 'No run starts while a sensor is hotter, °C'
  })
}, 'Limits on the load of the machine')

const Power = section({
  battery_thresholds: group({
    critical: percent(15, 'The profile is battery_critical up to this level'),
    low: percent(30, 'The profile is battery_low up to this level'),
    normal: percent(50, 'Must lie above low; the profile is battery_normal below and above it'),
    high: percent(80, 'From this level the battery counts as charged')
  }, 'Percent of the battery'),
  power_profiles: group({
    charging: profile([0.9, 4, 0.8], 'On mains', 1),
    battery_normal: profile([0.7, 3, 0.5], 'On battery'),
    battery_low: profile([0.5, 2, 0.3], 'On a low battery, or one of unknown level'),
    battery_critical: profile([0.3, 1, 0.2], 'On a nearly empty battery'),
    ups: profile([0.5, 2, 0.3], 'On the battery of a UPS')
  }, 'Limits by power state'),
  ups_runtime: duration('5m', 'On UPS battery with less time left than this, only critical work starts'),
  margin: percent(2, 'A battery level counts as risen only after it has risen by more than this many percent'),
  hints: group({
    full: hint([80, 32, 'high', true, false], 'On mains or a charged battery'),
    reduced: hint([50, 16, 'medium', true, false], 'On battery'),
    minimal: hint([30, 8, 'low', false, false], 'On a low battery'),
    critical: hint([0, 4, 'minimal', false, true], 'On a nearly empty battery')
  }, 'Hints for running tasks, by battery level'),
  sync: group({
    types: words(['sync'], 'The task types that these levels apply to'),
    high: percent(0, 'High'),
    normal: percent(30, 'Normal'),
    low: percent(50, 'Low')
  }, 'Battery level that syncs need on battery, by priority')
}, 'Battery, mains and UPS')

const Classification = section({
  critical: classed(['user_action', 'ui_response', 'critical', 'urgent', 'realtime', 'interactive'], ['realtime',
    'interactive', 'user_action', 'ui_response'], 'Never waits'),
  charging_only: classed(['heavy_processing', 'training', 'download_large', 'backup_full', 'reindex'], ['training',
    'heavy_processing'], 'Waits for mains'),
  background: classed(['sync', 'cleanup', 'cache', 'preload', 'index', 'backup', 'compress', 'analyze'], ['sync',
    'cleanup'], 'Waits for a good battery'),
  thresholds: group({
    charging_only: percent(100, 'Level that charging_only work needs on battery'),
    background: percent(50, 'Level that background work needs on battery'),
    normal: percent(30, 'Level that normal work needs on battery')
  }, 'Percent of the battery'),
  charging_level: percent(80, 'Level that charging_only work needs on mains'),
  full_level: percent(70, 'Above this level the advice for normal work needs no idle machine')
}, 'How tasks are classified by their words')

const NEVER_IDLE = 'at 0 the machine would never count as idle'

const Activity = section({
  idle_after: duration('3m', 'The machine is idle after this time without input'),
  cpu_below: limit(0.1, 'The machine is not idle while the processors are busier', NEVER_IDLE),
  network_below: Type.Number({
    default: 32_768,
    minimum: 1,
    why: NEVER_IDLE,
    description: 'The machine is not idle with more bytes per second on the network'
  }),
  io_below: Type.Number({
    default: 262_144,
    minimum: 1,
    why: NEVER_IDLE,
    description: 'The machine is not idle with more bytes per second on disks'
  }),
  half_life: lastingFor('4w', 'nothing would be remembered', 'Age at which learned data counts half'),
  min_weeks: Type.Number({
    default: 2,
    minimum: 0,
    maximum: 520,
    description: 'Weeks that an hour of the week must have been observed in to count'
  })
}, 'Idleness, and what is learned about it')

/** The sections of the configuration that say when runs may start. */
export const LIMIT_SECTIONS = {
  scheduling: Scheduling,
  resources: Resources,
  power: Power,
  task_priorities: Type.Record(Type.String(), Type.Unsafe<Priority>({ type: 'string', enum: [...PRIORITIES] }), {
    default: TASK_PRIORITIES,
    description: 'Priority by type, for tasks without one'
  }),
  classification: Classification,
  activity: Activity
}
