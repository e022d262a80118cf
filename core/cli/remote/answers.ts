import type { Page } from '../../engine/reports.ts'
import type { fullRunView, runView } from '../../model/view/run-view.ts'
import type { scheduleView } from '../../model/view/schedule-view.ts'
export type { ExplanationView } from '../../work/desk/explain-view.ts'
export type { ForecastView, MachineView, PauseView, SignalView } from '../../model/view/machine-view.ts'
export type { TaskView } from '../../model/view/task-view.ts'
export type { BuiltInTask } from '../../model/task/built-in.ts'

type Held = { held: { code: string, message: string } | null }

/** The responses of the routes. */
export type RunAnswer = ReturnType<typeof runView> & Held
export type FullRunView = ReturnType<typeof fullRunView> & Held
export type RequestedAnswer = RunAnswer & { passes?: { gate: string, code: string, message: string }[] }
export type RunsAnswer = Page<RunAnswer>

/** `withheld`: the members that are null because no token was sent. */
export type ScheduleAnswer = ReturnType<typeof scheduleView> & { withheld?: string[] }

export interface RecordsAnswer {
  items: { seq: number, at: string, by: string, action: string, subject: string, detail: unknown }[]
  next: number | null
}

export interface LineAnswer {
  seq: number
  at: string
  level: string
  text: string
  attempt: number
  data?: unknown
}
/** `broken` and `sensors` are absent while the event loop of the server is blocked. */
export interface FaultAnswer {
  where: string | null
  message: string
  fix?: string | null
}
export interface HealthAnswer {
  status: 'ok' | 'degraded' | 'failed'
  reasons: string[]
  broken?: FaultAnswer[]
  config?: { error: FaultAnswer | null, warnings: FaultAnswer[] }
  sensors?: { troubles: { sensor: string, message: string, since: string }[] }
}
export interface LinesAnswer {
  items: LineAnswer[]
  next: number
}
