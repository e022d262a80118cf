import { MOST_STARTS } from './forecast.ts'
import { SECOND } from '../base/duration.ts'
import { compileTrigger } from '../trigger.ts'
import { decideFires } from '../schedule/misfire.ts'
import type { PlainTask } from './forecast.ts'
import type { Schedule } from '../schedule/schedule.ts'
import type { Trigger } from '../trigger.ts'

/** A future fire of a schedule. It is due between `from` and `to`, as jitter and flex choose. `blurred`: the fire after
 *  it may come first. */
export interface Fire {
  schedule: Schedule
  task: PlainTask
  nominal_at: number
  from: number
  to: number
  blurred: boolean
}

interface FiresAsk {
  now: number
  to: number
}

type Planned = Pick<Fire, 'schedule' | 'task'> & { trigger: Trigger }

function compiled (schedule: Schedule): Trigger | null {
  try {
    return compileTrigger(schedule, schedule.anchor)
  } catch {
    return null
  }
}

/** The planned fire of the schedule or, when it is due, the fires that its misfire policy runs; and the cursor after
 *  them. */
function first ({ schedule, task, trigger }: Planned, { now }: FiresAsk): { fires: Fire[], cursor: number } {
  const [nominal, at] = [schedule.nominal_at!, schedule.next_at!]
  const fire = (nominal_at: number, due: number): Fire => ({
    schedule,
    task,
    nominal_at,
    from: due,
    to: due,
    blurred: false
  })
  if (at > now) return { fires: [fire(nominal, at)], cursor: nominal }
  const policy = schedule.cursor < schedule.anchor ? 'skip' : task.misfire
  const { fires, cursor } = decideFires({
    trigger,
    nominal,
    now,
    fireAt: at,
    policy,
    graceMs: task.misfireGraceMs,
    maxCatchUp: task.max_catch_up
  })
  return { fires: fires.filter(({ run }) => run).map(({ at: due }) => fire(due, due === nominal ? at : due)), cursor }
}

/** A fire whose instant is not chosen yet: within the flex and before the next fire, or by jitter. */
function later ({ schedule, task, trigger }: Planned, nominal: number, next: number | null): Fire {
  const after = next ?? Infinity
  const jitter = nominal + trigger.jitter * SECOND
  const latest = task.flexMs > 0 ? Math.max(Math.min(nominal + task.flexMs, after - 1), jitter) : jitter
  return {
    schedule,
    task,
    nominal_at: nominal,
    from: nominal,
    to: Math.min(latest, trigger.until),
    blurred: jitter >= after && trigger.jitter > 0
  }
}

function firesOf (planned: Planned, ask: FiresAsk, limit: number): Fire[] {
  const { fires, cursor } = first(planned, ask)
  for (let at = planned.trigger.next(cursor); at !== null && at < ask.to && fires.length <= limit;) {
    const next = planned.trigger.next(at)
    fires.push(later(planned, at, next))
    at = next
  }
  return fires.filter(({ from }) => from < ask.to)
}

/** The fires before `to` of all schedules of enabled tasks, by schedule in order. Stops after MOST_STARTS + 1 fires. */
export function firesAhead (
  schedules: readonly Schedule[],
  tasks: ReadonlyMap<string, PlainTask>,
  ask: FiresAsk
): Fire[][] {
  const found: Fire[][] = []
  let left = MOST_STARTS
  for (const schedule of schedules) {
    const task = tasks.get(schedule.task)
    if (task === undefined || !task.enabled || schedule.next_at === null || schedule.nominal_at === null) continue
    const trigger = compiled(schedule)
    if (trigger === null) continue
    const fires = firesOf({ schedule, task, trigger }, ask, left)
    found.push(fires)
    left -= fires.length
    if (left < 0) break
  }
  return found
}
