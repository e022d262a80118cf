import { STATES } from '../../../model/run/run.ts'
import type { NewRun, Reason, Run } from '../../../model/run/run.ts'
import type { Schedule } from '../../../model/schedule/schedule.ts'
import { add } from './add.ts'
import type { AuditNote, PlanAsk, PlanResult, StoredSchedule } from '../../engine.ts'
import { GONE } from '../rows/facts.ts'
import { writeNote } from '../rows/audit-records.ts'
import type { RunRow } from '../mapping/run-row.ts'
import { cancel } from './settle.ts'
import type { Tables } from '../state/tables.ts'
import { claimKey } from '../rows/keys.ts'

/** Writes the fires of one schedule with its cursor if the stored schedule is still the one that was read. */
export function plan (tables: Tables, ask: PlanAsk): PlanResult {
  const planned: PlanResult = { applied: false, stored: null, added: [], skipped: [], coalesced: 0, replaced: [] }
  const isEarly = ask.early === true && isMinded(ask) && openRuns(tables, ask.schedule).length > 0
  if (!isEarly && keep(tables, ask)) {
    planned.applied = true
    for (const fire of ask.fires) addFire(tables, fire, ask, planned)
    if (ask.record) writeNote(tables, ask.record, { at: ask.now, subject: ask.schedule.id })
  }
  planned.stored = stored(tables, ask.schedule.id)
  return planned
}

interface ScheduleRow {
  cursor: number
  body: string
  version: number
}

const rowOf = (tables: Tables, id: string): ScheduleRow | null => {
  const row = tables.one<ScheduleRow>('select cursor, body, version from schedule where id = ?', id)
  return row === undefined || row.body === GONE ? null : row
}

const storedOf = ({ body, version }: ScheduleRow): StoredSchedule => ({ ...JSON.parse(body) as Schedule, version })

/** The stored schedule, or null. */
function stored (tables: Tables, id: string): StoredSchedule | null {
  const row = rowOf(tables, id)
  return row && storedOf(row)
}

function keep (tables: Tables, { schedule, from, was, now }: PlanAsk): boolean {
  const row = rowOf(tables, schedule.id)
  if (from !== null && row?.cursor !== from) return false
  if (was !== undefined && was !== (row?.version ?? null)) return false
  // The caller may pass a schedule that an earlier call returned.
  const { version: _version, removed: _removed, ...plain } = schedule as StoredSchedule
  tables.run(`
    insert into schedule (id, cursor, body, version, at) values (?, ?, ?, ?, ?)
    on conflict (id) do update set cursor = excluded.cursor, body = excluded.body, version = excluded.version, at =
      excluded.at`, schedule.id, schedule.cursor, JSON.stringify(plain), tables.memory.nextVersion('schedule'), now)
  return true
}

const OPEN = [STATES.indexOf('blocked'), STATES.indexOf('queued'), STATES.indexOf('running')]

/** The unfinished runs of a schedule. No statement runs when its task has none. */
function openRuns (tables: Tables, { id, task }: Schedule): Run[] {
  if (!tables.memory.lanes.ofTask(task).some(({ counts }) => OPEN.some(place => counts[place]! > 0))) return []
  return tables.all<RunRow>(
    'select * from run where schedule = ? and schedule is not null and state <= 2 order by id',
    id
  ).map(row => tables.toRun(row))
}

/** Whether the overlap policy depends on unfinished runs of the schedule. */
const isMinded = ({ overlap }: PlanAsk): boolean => overlap === 'skip' || overlap === 'replace'

function addFire (tables: Tables, fire: NewRun, ask: PlanAsk, planned: PlanResult): void {
  const open = !fire.skipped && isMinded(ask) ? openRuns(tables, ask.schedule) : []
  if (open.length === 0) return insert(tables, fire, ask, planned)
  // A fire whose run exists has been handled: it neither coalesces nor replaces.
  if (claimKey(tables, fire, ask.now)) return
  if (ask.overlap === 'replace') replace(tables, open, ask, planned)
  else if (yields(tables, fire, open, planned)) return
  const running = ask.overlap === 'skip' ? open.find(run => run.state === 'running') : undefined
  insert(tables, running ? { ...fire, skipped: overlapping(running) } : fire, ask, planned)
}

const overlapping = (running: Run): Reason => ({
  code: 'overlap',
  message: `Run ${running.id} of the same schedule is still running`
})

/** True when a waiting run of the schedule now covers the fire as well. */
function yields (tables: Tables, fire: NewRun, open: Run[], planned: PlanResult): boolean {
  const waiting = open.find(run => run.state !== 'running')
  if (!waiting) return false
  tables.save(waiting, { ...waiting, missed: waiting.missed + 1 + (fire.missed ?? 0) })
  planned.coalesced += 1
  return true
}

function replace (tables: Tables, open: Run[], { now }: PlanAsk, planned: PlanResult): void {
  const reason: Reason = { code: 'replaced', message: 'A later fire of the same schedule replaced it' }
  for (const run of open) {
    if (run.cancel) continue
    planned.replaced.push(cancel(tables, { id: run.id, reason, now })!)
  }
}

function insert (tables: Tables, fire: NewRun, { now }: PlanAsk, planned: PlanResult): void {
  const { run, created } = add(tables, [fire], now)[0]!
  if (!created) return
  if (run.state === 'skipped') planned.skipped.push(run)
  else planned.added.push(run)
}

/** All schedules by id; `since`: those that changed after a version, including removed ones. */
export function schedules (tables: Tables, { since }: { since?: number } = {}): StoredSchedule[] {
  const rows = tables.all<ScheduleRow & { id: string }>(
    'select id, cursor, body, version from schedule where version > ? order by id',
    since ?? -1
  )
  return rows.filter(({ body }) => since !== undefined || body !== GONE).map(({ id, cursor, ...row }) =>
    row.body === GONE ? { ...blank(id, cursor), version: row.version, removed: true } : storedOf({ ...row, cursor })
  )
}

/** The entry of a removed schedule. */
const blank = (id: string, cursor: number): Schedule => ({
  id,
  task: '',
  origin: 'api',
  trigger: 'date',
  trigger_args: {},
  timezone: 'UTC',
  payload: null,
  anchor: 0,
  cursor,
  nominal_at: null,
  next_at: null,
  created_at: 0,
  created_by: ''
})

/** Removes a schedule. False: there is no such schedule. */
export function unplan (tables: Tables, { id, now, record }: { id: string, now: number, record?: AuditNote }): boolean {
  if (rowOf(tables, id) === null) return false
  tables.run(
    'update schedule set body = ?, version = ?, at = ? where id = ?',
    GONE,
    tables.memory.nextVersion('schedule'),
    now,
    id
  )
  if (record) writeNote(tables, record, { at: now, subject: id })
  return true
}
