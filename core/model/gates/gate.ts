import type { Json } from '../json.ts'
import type { Run } from '../run.ts'
import type { Task } from '../task.ts'

/** What is so right now, beside the run itself. */
export interface Standing {
  now: number
  /** Runs of the same task that are running. */
  active: number
  /** Slots of this process that are free, and how many there are. */
  free: number
  slots: number
}

export interface GateAsk { task: Task | undefined, run: Pick<Run, 'task' | 'due_at'>, standing: Standing }

/** One gate's answer. `clears_at`: epoch ms, or null when it cannot be known. */
export interface GateAnswer {
  gate: string
  ok: boolean
  code: string
  message: string
  observed: Json
  required: Json
  clears_at: number | null
}

/** One condition on starting: pure, and the same for the runner, the list, `why` and the forecast. */
export type Gate = (ask: GateAsk) => GateAnswer

/** All gates of a run together. */
export interface Verdict { decision: 'start' | 'hold', gates: GateAnswer[] }
