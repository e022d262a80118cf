import { CONDITIONS, PRIORITIES, SOURCES, STATES } from '../../../model/run/run.ts'
import { LAST_DATE } from '../../../model/base/clock.ts'

/** The valid values of a column. `holds`: the condition, in SQL. `instead`: the replacement of other values, in SQL.
 *  `decides`: a waiting run whose value was replaced must fail. */
export interface ColumnRule {
  column: string
  holds: string
  expected: string
  instead: string
  decides: boolean
}

type ColumnType = readonly [holds: (column: string) => string, expected: string]

const between = (
  least: number,
  most: number,
  expected: string
): ColumnType => [column => `(typeof(${column}) = 'integer' and ${column} between ${least} and ${most})`, expected]

const MOST = Number.MAX_SAFE_INTEGER
/** The highest valid run number; the numbers above it are left for new runs. */
export const LAST_NUMBER = MOST - 2 ** 40
const INSTANT = between(-LAST_DATE, LAST_DATE, 'an instant in ms')
const COUNT = between(0, 2 ** 50, 'a count')
const NUMBER = between(0, LAST_NUMBER, 'the number of a run')
const FLAG = between(0, 1, '0 or 1')
const WHOLE = between(-MOST, MOST, 'a whole number')
const TEXT: ColumnType = [column => `typeof(${column}) = 'text'`, 'text']
const JSON_TEXT: ColumnType = [column => `(typeof(${column}) = 'text' and json_valid(${column}))`, 'JSON']

const placeIn = (words: readonly string[]): ColumnType =>
  between(0, words.length - 1, `the place of one of ${words.join(', ')}`)

const orNull = (
  [holds, expected]: ColumnType
): ColumnType => [column => `(${column} is null or ${holds(column)})`, `${expected} or null`]

function rule (column: string, [holds, expected]: ColumnType, instead: string, decides = false): ColumnRule {
  return { column, holds: holds(column), expected, instead, decides }
}

const free = (kind: ColumnType, columns: string[]): ColumnRule[] =>
  columns.map(column => rule(column, orNull(kind), 'null'))

/** The code of the reason with which a run fails whose row was out of range. */
export const OUT_OF_RANGE = 'out_of_range'

/** The due time of a run that waits to be failed, so that it cannot start. */
export const NEVER_DUE = LAST_DATE

/** The lane of runs whose task or queue is lost. */
const UNKNOWN_LANE = "task = 'unknown' and queue = 'unknown' and priority = 2 and span = -2 and scheduled = 0"

/** Adds that lane. */
export const MAKE_UNKNOWN_LANE =
  "insert or ignore into lane (task, queue, priority, span, scheduled) values ('unknown', 'unknown', 2, -2, 0)"

/** When a run was created, by its number, which counts 1/4096 ms. */
const CREATED = `min(id / 4096, ${LAST_DATE})`

export const RUN_RULES: readonly ColumnRule[] = [
  rule('lane', [column => `exists (select 1 from lane where lane.id = run.${column})`, 'the number of a lane'],
    `(select id from lane where ${UNKNOWN_LANE})`, true),
  rule('state', placeIn(STATES), '1', true),
  rule('source', placeIn(SOURCES), '2', true),
  rule('due_at', INSTANT, CREATED, true),
  rule('nominal_at', INSTANT, CREATED, true),
  rule('created_at', INSTANT, CREATED, true),
  rule('deadline_at', orNull(INSTANT), 'null', true),
  rule('max_retries', COUNT, '0', true),
  rule('missed', COUNT, '0'),
  rule('attempt', COUNT, '0', true),
  rule('turn', COUNT, '1', true),
  rule('crashes', COUNT, '0'),
  rule('preempted', COUNT, '0'),
  rule('awaits', orNull(COUNT), 'null', true),
  rule('key_until', orNull(between(-2, LAST_DATE, 'an instant in ms, -1 or -2')), 'null', true),
  rule('now', FLAG, '0'),
  rule('single', FLAG, '1'),
  rule('payload', orNull(JSON_TEXT), 'null', true),
  rule('name', orNull(TEXT), 'null', true),
  rule('schedule', orNull(TEXT), 'null', true),
  ...free(INSTANT, ['started_at', 'finished_at', 'lease_until']),
  ...free(JSON_TEXT, ['cancel', 'reason', 'error', 'progress', 'child', 'moved']),
  ...free(TEXT, ['owner', 'warning', 'fingerprint']),
  ...free(FLAG, ['expires']),
  ...free(COUNT, ['freed'])
]

export const LANE_RULES: readonly ColumnRule[] = [
  rule('task', [column => `(typeof(${column}) = 'text' and length(${column}) between 1 and 200)`, 'the id of a task'],
    "'unknown'", true),
  rule('queue', [column => `(typeof(${column}) = 'text' and length(${column}) between 1 and 200)`, 'the id of a queue'],
    "'unknown'", true),
  rule('priority', placeIn(PRIORITIES), '2', true),
  rule('span', between(-2, MOST, 'a length in ms, -1 or -2'), '-2', true),
  rule('scheduled', FLAG, '0', true),
  ...['completed', 'failed', 'cancelled', 'skipped'].map(column => rule(column, COUNT, '0')),
  rule('last',
    orNull([column => `(typeof(${column}) = 'integer' and exists (select 1 from run where run.id = lane.${column}))`,
      'the number of a run']), 'null')
]

const REMOVED = ''

/** The cursor of a schedule according to its body. */
const CURSOR = `case when not json_valid(body) then 0 when json_type(body, '$.cursor') is not 'integer' then 0
  when json_extract(body, '$.cursor') between ${-MOST} and ${MOST} then json_extract(body, '$.cursor') else 0 end`

const within = (kind: ColumnType, columns: string[], instead = REMOVED): ColumnRule[] =>
  columns.map(column => rule(column, kind, instead))

/** Tables with dispensable rows: a row that is out of range is removed unless its value can be replaced. */
export const SIDE_RULES: Readonly<Record<string, readonly ColumnRule[]>> = {
  payload: within(NUMBER, ['run']),
  result: [...within(NUMBER, ['run']), ...within(TEXT, ['json'])],
  checkpoint: [...within(NUMBER, ['run']), ...within(TEXT, ['json'])],
  used: [...within(NUMBER, ['run']), ...within(COUNT, ['cpu_ms', 'memory_peak_bytes']),
    ...free(COUNT, ['read_bytes', 'written_bytes'])],
  attempt: [
    ...within(NUMBER, ['run']),
    ...within(COUNT, ['turn', 'attempt']),
    ...within(INSTANT, ['started_at', 'finished_at']),
    ...within(TEXT, ['outcome']),
    ...free(JSON_TEXT, ['error', 'reason'])
  ],
  hold: [
    ...within(NUMBER, ['run']),
    ...within(COUNT, ['seq']),
    ...within(TEXT, ['code', 'message', 'owner']),
    ...within(INSTANT, ['began']),
    ...free(INSTANT, ['ended']),
    ...within(FLAG, ['counted'])
  ],
  lane_hold: [
    ...within(WHOLE, ['id', 'due_from', 'due_until']),
    ...within(TEXT, ['owner', 'code', 'message']),
    ...within(INSTANT, ['began']),
    ...free(INSTANT, ['ended']),
    rule('lane', [column => `exists (select 1 from lane where lane.id = lane_hold.${column})`, 'the number of a lane'],
      REMOVED)
  ],
  held: [...within(between(-1e8, 1e8, 'a day'), ['day']), ...within(COUNT, ['ms', 'runs']),
    ...within(TEXT, ['task', 'code'])],
  hour: [
    ...within(between(-24e8, 24e8, 'an hour'), ['hour']),
    ...within(TEXT, ['task', 'queue']),
    ...within(COUNT, ['completed', 'failed', 'cancelled', 'skipped', 'dead', 'retries', 'cpu_ms']),
    ...['wait', 'held', 'run'].map(column =>
      rule(column, orNull([
        name =>
          `(typeof(${name}) = 'text' and ${name} glob '[0-9]* [0-9]* [0-9]*' and ${name} not glob '*[^0-9a-z.:@+ -]*')`,
        'durations'
      ]), 'null')
    )
  ],
  owner: [...within(TEXT, ['name']), ...within(INSTANT, ['lease_until'])],
  rate: [
    ...within(TEXT, ['queue']),
    ...within(INSTANT, ['at']),
    rule('tokens', [column => `(typeof(${column}) in ('real', 'integer') and ${column} between 0 and 1e15)`, 'a count'],
      REMOVED)
  ],
  record: [
    ...within(COUNT, ['seq']),
    ...within(INSTANT, ['at'], '0'),
    ...within(TEXT, ['who', 'action', 'subject'], "'unknown'"),
    ...within(JSON_TEXT, ['detail'], "'null'")
  ],
  meta: [...within(TEXT, ['name']), ...within(NUMBER, ['value'])],
  fact: [
    ...within(TEXT, ['name']),
    ...within(JSON_TEXT, ['value']),
    ...within(INSTANT, ['at'], '0'),
    ...within(COUNT, ['version'], '1')
  ],
  schedule: [
    ...within(TEXT, ['id']),
    ...within(WHOLE, ['cursor'], CURSOR),
    ...within(COUNT, ['version'], '1'),
    ...within(INSTANT, ['at'], '0'),
    rule('body', [column =>
      `(typeof(${column}) = 'text' and case when not json_valid(${column}) then 0
      when ${column} = 'null' then 1
      else json_type(${column}) = 'object' and json_extract(${column}, '$.id') is schedule.id end)`,
      'a schedule of the same id'], REMOVED)
  ]
}

/** Prerequisites: when such a row is out of range, its run fails. */
export const DEPENDENCY_RULES: readonly ColumnRule[] = [
  ...within(NUMBER, ['run', 'prerequisite']),
  ...within(COUNT, ['place']),
  ...within(placeIn(CONDITIONS), ['condition']),
  ...free(TEXT, ['ref']),
  ...free(placeIn(STATES), ['state']),
  ...free(TEXT, ['result'])
]
