import { Type } from 'typebox'
import type { Static } from 'typebox'
import { DurationSchema, group, lasting, limit, percent, section, share } from '../base/section.ts'
import { PRIORITIES } from '../run/run.ts'
import type { Priority } from '../run/run.ts'

/** Monday first. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
type Weekday = typeof WEEKDAYS[number]

/** When a number of slots counts. `on_battery`: also on a UPS that runs on its battery. */
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
  end: Type.String({ pattern: TIME, description: 'When it closes, HH:MM; not later than the start: on the next day' }),
  resource_limit: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Share of the slots of the power profile that may be taken meanwhile; 0: none but critical ones'
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

/** Priority of a run by the type of its task, where the task names none. */
export const TASK_PRIORITIES: Record<string, Priority> = {
  backup: 'high',
  sync: 'normal',
  maintenance: 'low',
  indexing: 'low'
}

/** `least`: 0 where no slot at all makes sense: what is critical has slots of its own. */
const profile = (standard: [cpu: number, slots: number, network: number], description: string, least = 0) =>
  group({
    cpu_limit: limit(standard[0], 'No run starts while others use more of the processors'),
    task_concurrency: Type.Integer({
      default: standard[1],
      minimum: least,
      maximum: 1_000_000,
      why: 'at 0 no run would ever start',
      description: least === 0
        ? 'So many runs at once, see scheduling.profile_slots; 0: none but critical ones'
        : 'So many runs at once, see scheduling.profile_slots'
    }),
    network_limit: limit(standard[2], 'No run starts while more of resources.network_capacity is in use')
  }, description)

const hint = (
  standard: [level: number, batch: number, quality: string, parallel: boolean, suspend: boolean],
  description: string
) =>
  group({
    level: percent(standard[0], 'From this battery level on'),
    batch_size: whole(standard[1], 'How much to do at once', 1),
    quality: Type.String({ default: standard[2], description: 'How well to do it' }),
    can_parallel: Type.Boolean({ default: standard[3] }),
    suspend_non_critical: Type.Boolean({ default: standard[4] })
  }, description)

const classed = (keywords: string[], types: string[], description: string) =>
  group({
    keywords: words(keywords, 'A word of id, name, tags or description that begins so makes the class'),
    types: words(types, 'A task of one of these types has the class')
  }, description)

const Scheduling = section({
  max_concurrent_tasks: group({
    critical: whole(3,
      'Critical runs at once; so many slots are for them alone, beside those of manager.scheduler_thread_pool', 1),
    high: whole(2, 'High runs at once', 1),
    normal: whole(1, 'Normal runs at once', 1),
    low: whole(1, 'Low runs at once', 1)
  }, 'How many runs of each priority may run at once, see priority_slots'),
  priority_slots: regime('When max_concurrent_tasks counts; always as soon as config.json names any of its numbers'),
  profile_slots: regime(
    'When task_concurrency × resource_limit counts; always as soon as config.json names the concurrency of a profile or the limit of a window'
  ),
  time_windows: Type.Record(Type.String(), WindowSchema, {
    default: TIME_WINDOWS,
    description: 'Hours of the day, by name'
  }),
  max_background_batch: whole(5, 'So many runs of the class background at once', 1),
  idle_check_interval: duration(60,
    'How often it is looked whether someone is using the machine; sessions with a screen are asked once a minute at most'),
  dwell: duration('60s', 'A gate that changed on a reading keeps its answer for so long; load is a mean over so long'),
  signal_dwell: duration('60s',
    'The same for custom signals: a signal changes at once, and then not again for so long'),
  load_patience: duration('30m',
    'On mains: load that has lasted longer holds nothing any more, for it is how the machine is; constraints of a task still do'),
  nothing_started: duration('6h',
    'When no run has started for so long although one is due, health is degraded and a notice says so; 0: never'),
  deadline: lastingFor('24h', 'no run could be held at all', 'How long a run may be held when its task says nothing'),
  relax_from: share(0.5,
    'From this part of the time to the deadline on limits give way, until none is left at the deadline'),
  preempt_limit: whole(3,
    'A run that has given its slot to a more urgent one so often keeps the next one for preempt_after'),
  preempt_after: duration('10m', 'How long it keeps that slot; twice as long each further time'),
  aging: duration('15m', 'One run of each lower priority is started at least so often while runs are started at all')
}, 'When runs may start')

const Resources = section({
  cpu_limit: limit(0.7,
    'No run starts while others use more of the processors; what runs niced does not count. 1: on mains their use never holds a run'),
  memory_limit: limit(0.8,
    'No run starts while others use more of the memory; caches that are given back do not count'),
  io_limit: limit(0.6, 'No run starts while others keep the busiest disk busy for more of the time'),
  network_limit: limit(0.5, 'No run starts while others use more of network_capacity'),
  cpu_pressure_limit: limit(0.5,
    'No run starts while programs wait for a processor for more of the time (Linux PSI), as far as others are the cause; nothing with a cpu_limit of 1'),
  memory_pressure_limit: limit(0.2, 'The same for programs that wait for memory'),
  io_pressure_limit: limit(0.5, 'The same for programs that wait for a disk'),
  network_capacity: Type.Unsafe<number | null>({
    type: ['number', 'null'],
    minimum: 1,
    default: null,
    description: 'Bytes per second of the line; null: unknown, and then network_limit counts for nothing'
  }),
  disk_limit: share(0.9, 'A disk that is fuller makes the recommendation defer_disk_intensive'),
  disk_reserve: Type.Number({
    default: 100_000_000,
    minimum: 0,
    description:
      'No run at all starts with fewer bytes free on a watched disk, save one whose constraints name their own disk_free'
  }),
  temperature_limit: Type.Number({
    default: 95,
    minimum: 20,
    maximum: 200,
    why: 'every machine is warmer: no run would ever start',
    description: 'No run at all starts while a sensor is hotter, °C'
  })
}, 'What the machine must have left')

const Power = section({
  battery_thresholds: group({
    critical: percent(15, 'Up to here the profile is battery_critical'),
    low: percent(30, 'Up to here the profile is battery_low'),
    normal: percent(50, 'Up to here, and above, the profile is battery_normal'),
    high: percent(80, 'From here on the battery counts as well filled')
  }, 'Percent of the battery'),
  power_profiles: group({
    charging: profile([0.9, 4, 0.8], 'On mains', 1),
    battery_normal: profile([0.7, 3, 0.5], 'On battery'),
    battery_low: profile([0.5, 2, 0.3], 'On a low battery, or one whose level nobody knows'),
    battery_critical: profile([0.3, 1, 0.2], 'On a nearly empty battery'),
    ups: profile([0.5, 2, 0.3], 'On the battery of a UPS')
  }, 'Limits by the state of power'),
  ups_runtime: duration('5m',
    'A UPS that can feed the machine for less holds all but critical work while it runs on its battery'),
  margin: percent(2, 'A battery level counts as risen only when it has risen by more than so many percent'),
  hints: group({
    full: hint([80, 32, 'high', true, false], 'On mains or a well filled battery'),
    reduced: hint([50, 16, 'medium', true, false], 'On battery'),
    minimal: hint([30, 8, 'low', false, false], 'On a low battery'),
    critical: hint([0, 4, 'minimal', false, true], 'On a nearly empty battery')
  }, 'What a running task is told, by battery level'),
  sync: group({
    types: words(['sync'], 'The types that these levels are for'),
    high: percent(0, 'High'),
    normal: percent(30, 'Normal'),
    low: percent(50, 'Low')
  }, 'Battery level from which syncs start on battery, by priority')
}, 'Battery, mains and UPS')

const Classification = section({
  critical: classed(['user_action', 'ui_response', 'critical', 'urgent', 'realtime', 'interactive'], ['realtime',
    'interactive', 'user_action', 'ui_response'], 'Never waits'),
  charging_only: classed(['heavy_processing', 'training', 'download_large', 'backup_full', 'reindex'], ['training',
    'heavy_processing'], 'Waits for mains'),
  background: classed(['sync', 'cleanup', 'cache', 'preload', 'index', 'backup', 'compress', 'analyze'], ['sync',
    'cleanup'], 'Waits for a good battery'),
  thresholds: group({
    charging_only: percent(100, 'From here on charging_only starts on battery'),
    background: percent(50, 'From here on background starts on battery'),
    normal: percent(30, 'From here on normal starts on battery')
  }, 'Percent of the battery'),
  charging_level: percent(80, 'From here on charging_only starts while the battery is charged'),
  full_level: percent(70, 'Above this a normal run needs no idle machine to be advised')
}, 'How tasks are classed by their words')

const NEVER_IDLE = 'at 0 the machine would never count as idle'

const Activity = section({
  idle_after: duration('3m', 'Nobody has touched the machine for so long: it is idle'),
  cpu_below: limit(0.1, 'More use of the processors is no idleness', NEVER_IDLE),
  network_below: Type.Number({
    default: 32_768,
    minimum: 1,
    why: NEVER_IDLE,
    description: 'More bytes per second on the network are no idleness'
  }),
  io_below: Type.Number({
    default: 262_144,
    minimum: 1,
    why: NEVER_IDLE,
    description: 'More bytes per second on disks are no idleness'
  }),
  half_life: lastingFor('4w', 'nothing would be remembered', 'What was learned so long ago counts half'),
  min_weeks: Type.Number({
    default: 2,
    minimum: 0,
    maximum: 520,
    description: 'An hour of the week that was seen in fewer weeks tells nothing'
  })
}, 'Idleness, and what is learned of it')

/** The sections of the configuration that say when runs may start. */
export const LIMIT_SECTIONS = {
  scheduling: Scheduling,
  resources: Resources,
  power: Power,
  task_priorities: Type.Record(Type.String(), Type.Unsafe<Priority>({ type: 'string', enum: [...PRIORITIES] }), {
    default: TASK_PRIORITIES,
    description: 'Priority by type, for tasks that name none'
  }),
  classification: Classification,
  activity: Activity
}
