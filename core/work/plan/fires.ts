import { overlay } from '../../model/config/config.ts'
import type { Json } from '../../model/json/json.ts'
import { SECOND } from '../../model/base/duration.ts'
import { aheadOf, clamped } from '../../model/base/clock.ts'
import { compileTrigger } from '../../model/trigger.ts'
import { deadlineFor } from '../../model/conditions/relaxation.ts'
import { decideFires } from '../../model/schedule/misfire.ts'
import type { Entry } from './timetable.ts'
import type { Fire, Fires } from '../../model/schedule/misfire.ts'
import type { Moved, NewRun } from '../../model/run/run.ts'
import { saysSame } from '../../model/schedule/schedule.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { Task } from '../../model/task/task.ts'

/** Moves a fire within the flex of its task. `next`: the fire after it. Returns null to keep the nominal instant. */
export type Move = (task: Task, nominal: number, next: number | null) => { at: number, moved: Moved } | null

/** What a fire depends on besides its schedule. */
export interface Chance {
  random: () => number
  move: Move
}

/** The runs that a due schedule fires, and the schedule with its next fire. `missed`: fires that were not acted on in
 *  time. */
interface Firing {
  schedule: Schedule
  runs: NewRun[]
  /** True when the instant of the fire is in the future. */
  early: boolean
  missed: { count: number, from: number, to: number } | null
}

/** The schedule with its first fire after `cursor`. */
export function nextOf (
  { schedule, trigger }: Entry,
  cursor: number,
  { task, random, move }: Chance & { task: Task | undefined }
): Schedule {
  const nominal = trigger.next(cursor)
  if (nominal === null) return { ...schedule, cursor, nominal_at: null, next_at: null, moved: null }
  const moved = task === undefined || task.flexMs === 0 ? null : move(task, nominal, trigger.next(nominal))
  const jitter = trigger.jitter === 0 ? 0 : Math.round(trigger.jitter * SECOND * random())
  const at = moved?.at ?? nominal + jitter
  return {
    ...schedule,
    cursor,
    nominal_at: nominal,
    next_at: clamped(Math.min(at, trigger.until)),
    moved: moved?.moved ?? null
  }
}

/** A schedule before its first fire is planned. */
export type NewSchedule = Pick<Schedule,
  'id' | 'task' | 'origin' | 'trigger' | 'trigger_args' | 'timezone' | 'payload' | 'created_by'>

/** A schedule that begins now; throws OFFPEAK_TRIGGER_INVALID. */
export function begunAt (row: NewSchedule, now: number, chance: Chance & { task: Task | undefined }): Entry {
  const trigger = compileTrigger(row, now)
  // A date in the past still fires: within the grace it runs, later it is recorded as missed.
  const first = trigger.kind === 'date' ? trigger.next(-8.64e15) : null
  const cursor = first === null ? now : Math.min(now, first - 1)
  const { id, task, origin, trigger: kind, trigger_args: args, timezone, payload, created_by: by } = row
  const schedule = {
    id,
    task,
    origin,
    trigger: kind,
    trigger_args: args,
    timezone,
    payload,
    anchor: now,
    cursor,
    nominal_at: null,
    next_at: null,
    moved: null,
    created_at: now,
    created_by: by
  }
  return { schedule: nextOf({ schedule, trigger }, cursor, chance), trigger }
}

/** What a change in place may set. */
export type ScheduleChange = Pick<Schedule, 'trigger' | 'trigger_args' | 'timezone' | 'payload'> & { paused: boolean }

/** The schedule after a change. Another trigger begins now, after every instant that has fired; the same one keeps its
 *  place. */
export function changedTo (
  change: ScheduleChange,
  { entry, now, ...chance }: Chance & { entry: Entry, now: number, task: Task | undefined }
): Entry {
  const { schedule: before } = entry
  const schedule = { ...before, ...change }
  const isSame = saysSame(before, schedule)
  const trigger = isSame ? entry.trigger : compileTrigger(schedule, now)
  if (schedule.paused || chance.task?.enabled === false) {
    return rested({ schedule: isSame ? schedule : { ...schedule, anchor: now }, trigger })
  }
  if (isSame && before.next_at !== null) return { schedule, trigger }
  const anchor = isSame ? before.anchor : now
  const cursor = Math.max(before.cursor, now)
  return { schedule: nextOf({ schedule: { ...schedule, anchor }, trigger }, cursor, chance), trigger }
}

/** The schedule without a next fire. Fires while it rests do not count as missed. */
export const rested = ({ schedule, trigger }: Entry): Entry => ({
  schedule: { ...schedule, next_at: null, nominal_at: null, moved: null },
  trigger
})

/** True when a schedule lies in the future because the clock was set back. It would not fire until then. */
export const isAhead = ({ anchor, cursor }: Schedule, now: number): boolean =>
  aheadOf(Math.max(anchor, cursor), now) > 0

/** True for an interval without a start date, which counts elapsed time instead of following the wall clock. */
export const isElapsing = ({ trigger, trigger_args: args }: Pick<Schedule, 'trigger' | 'trigger_args'>): boolean =>
  trigger === 'interval' && (args['start_date'] ?? null) === null

/** `backMs`: how far the clock was set back; 0 when that was not observed. */
interface Back extends Chance {
  now: number
  backMs: number
  task: Task | undefined
}

/** The schedule planned again from now. Instants that have fired have runs, whose keys prevent a second fire. */
export function broughtBack (entry: Entry, { now, backMs, ...chance }: Back): Entry {
  const { schedule } = entry
  const created_at = Math.min(schedule.created_at, now)
  if (isElapsing(schedule)) return shifted(entry, { now, backMs, ...chance })
  const anchor = Math.min(schedule.anchor, now)
  const trigger = compileTrigger(schedule, anchor)
  // The cursor of a date that has not fired yet must precede its instant.
  const first = trigger.kind === 'date' && schedule.next_at !== null ? trigger.next(-8.64e15) : null
  const cursor = Math.min(schedule.cursor, now, first === null ? Infinity : first - 1)
  return {
    schedule: nextOf({ schedule: { ...schedule, anchor, cursor, created_at }, trigger }, cursor, chance),
    trigger
  }
}

/** Shifts an interval so that its next fire is as far away as before the clock was set back. */
function shifted ({ schedule, trigger: before }: Entry, { now, backMs, ...chance }: Back): Entry {
  const by = backMs > 0 ? backMs : Math.max(0, Math.max(schedule.anchor, schedule.cursor) - now)
  const cursor = Math.min(schedule.cursor - by, now)
  const at = (anchor: number) => compileTrigger(schedule, anchor)
  const sure = at(schedule.anchor - by)
  const next = sure.next(cursor)
  // Earlier fires used these instants as their keys. One millisecond distinguishes the new ones.
  const isTaken = by > 0 && next !== null && before.latest(next - 1, next) !== null
  const anchor = schedule.anchor - by - (isTaken ? 1 : 0)
  const trigger = isTaken ? at(anchor) : sure
  const created_at = Math.min(schedule.created_at, now)
  return {
    schedule: nextOf({ schedule: { ...schedule, anchor, cursor, created_at }, trigger }, cursor, chance),
    trigger
  }
}

/** True when the stored next fire does not follow from the cursor. */
export function isOff (
  { schedule: { cursor, nominal_at: nominal, next_at: at }, trigger }: Entry,
  task: Task | undefined
): boolean {
  if (at === null || nominal === null) return at !== nominal
  const latest = nominal + Math.max(trigger.jitter * SECOND, task?.flexMs ?? 0)
  return trigger.next(cursor) !== nominal || at < Math.min(nominal, trigger.until) || at > latest
}

interface FiringAsk extends Chance {
  entry: Entry
  task: Task
  now: number
}

/** The runs of a schedule that is due now or within the lead. */
export function firingOf ({ entry, task, now, ...chance }: FiringAsk): Firing {
  const { schedule, trigger } = entry
  const { nominal_at: nominal, next_at: fireAt } = schedule
  if (nominal === null || fireAt === null) throw new TypeError('a schedule without a next fire cannot fire')
  const at = Math.max(now, fireAt)
  const isFresh = schedule.cursor < schedule.anchor
  const decided = decideFires({
    trigger,
    now: at,
    nominal,
    fireAt,
    policy: isFresh ? 'skip' : task.misfire,
    graceMs: task.misfireGraceMs,
    maxCatchUp: task.max_catch_up
  })
  return {
    schedule: nextOf(entry, decided.cursor, { task, ...chance }),
    runs: decided.fires.map(fire => runOf({ fire, task, schedule, now: at })),
    early: at > now,
    missed: missedOf(decided, nominal)
  }
}

const missedOf = ({ due, fires, cursor }: Fires, from: number): Firing['missed'] =>
  due > 1 || fires.some(({ late }) => late) ? { count: due, from, to: cursor } : null

interface RunOf {
  fire: Fire
  task: Task
  schedule: Schedule
  now: number
}

function runOf ({ fire, task, schedule, now }: RunOf): NewRun {
  const { moved } = schedule
  const due = fire.at === schedule.nominal_at ? schedule.next_at! : fire.at
  const run: NewRun = {
    task: task.id,
    queue: task.queue,
    priority: task.priority,
    source: fire.late ? 'catch_up' : 'schedule',
    schedule: schedule.id,
    key: `${schedule.id === task.id ? '' : schedule.id}@${fire.at}`,
    due_at: due,
    ...deadlineFor(task, due, now),
    ...due !== fire.at && moved ? { moved } : {},
    nominal_at: fire.at,
    max_retries: task.max_retries,
    missed: fire.missed,
    // The payload is merged over that of the task, as for requested runs.
    payload: overlay(task.payload, schedule.payload ?? undefined) as Json
  }
  if (fire.run) return run
  return {
    ...run,
    skipped: {
      code: 'misfire',
      message: `missed by more than the grace of ${task.misfireGraceMs / SECOND} s; the policy is ${task.misfire}`
    }
  }
}
