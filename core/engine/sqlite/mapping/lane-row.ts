import type { SQLInputValue } from 'node:sqlite'
import { PRIORITIES } from '../../../model/run/run.ts'
import type { Priority } from '../../../model/run/run.ts'

/** What identifies a lane. `span`: from due_at to deadline_at, ms; -1 without a deadline; null for single runs. */
export interface LaneKey {
  readonly task: string
  readonly queue: string
  readonly priority: Priority
  readonly span: number | null
  readonly scheduled: boolean
}

/** The stored span of a lane of single runs. */
const SINGLE = -2

interface LaneRow {
  task: string
  queue: string
  priority: number
  span: number
  scheduled: number
}

export const laneKey = ({ task, queue, priority, span, scheduled }: LaneRow): LaneKey => ({
  task,
  queue,
  priority: PRIORITIES[priority]!,
  span: span === SINGLE ? null : span,
  scheduled: scheduled === 1
})

/** The stored values of task, queue, priority, span and scheduled. */
export const laneValues = (
  { task, queue, priority, span, scheduled }: LaneKey
): SQLInputValue[] => [task, queue, PRIORITIES.indexOf(priority), span ?? SINGLE, scheduled ? 1 : 0]
