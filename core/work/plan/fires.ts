import { overlay } from '../../model/config/config.ts'
import type { Json } from '../../model/json/json.ts'
import { SECOND } from '../../model/base/duration.ts'
import { deadlineFor } from '../../model/conditions/relaxation.ts'
import { decideFires } from '../../model/schedule/misfire.ts'
import { nextOf } from './next-fire.ts'
import type { Chance } from './next-fire.ts'
import type { Entry } from './timetable.ts'
import type { Fire, Fires } from '../../model/schedule/misfire.ts'
import type { NewRun } from '../../model/run/run.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { Task } from '../../model/task/task.ts'

/** The runs that a due schedule fires, and the schedule with its next fire. `missed`: fires that were not acted on in
 *  time. */
interface Firing {
  schedule: Schedule
  runs: NewRun[]
  /** True when the instant of the fire is in the future. */
  early: boolean
  missed: { count: number, from: number, to: number } | null
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
