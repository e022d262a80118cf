import { evaluate } from './gates/evaluate.ts'
import type { Run } from './run.ts'
import type { Task } from './task.ts'
import type { Verdict } from './gates/gate.ts'

export interface RoomAsk {
  /** The tasks with due runs, each with the one that comes first. */
  due: readonly { task: string, first: Run }[]
  tasks: ReadonlyMap<string, Task>
  /** Running runs by task. */
  active: ReadonlyMap<string, number>
  slots: number
  now: number
}

/** How many runs of each task may start now; a task whose verdict is hold has none. */
export function roomFor (ask: RoomAsk): Record<string, number> {
  const free = freeSlots(ask.slots, ask.active)
  const room: Record<string, number> = {}
  for (const { task: id, first } of ask.due) {
    const task = ask.tasks.get(id)
    if (verdictOn(ask, first).decision === 'hold' || task === undefined) continue
    room[id] = Math.min(free, task.concurrency - (ask.active.get(id) ?? 0))
  }
  return room
}

/** The verdict on one run as things stand. */
export function verdictOn ({ tasks, active, slots, now }: Omit<RoomAsk, 'due'>, run: Pick<Run, 'task' | 'due_at'>): Verdict {
  return evaluate({
    task: tasks.get(run.task),
    run,
    standing: { now, active: active.get(run.task) ?? 0, free: freeSlots(slots, active), slots }
  })
}

function freeSlots (slots: number, active: ReadonlyMap<string, number>): number {
  let taken = 0
  for (const count of active.values()) taken += count
  return Math.max(0, slots - taken)
}
