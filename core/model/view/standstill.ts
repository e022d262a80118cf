import { spanWords } from '../base/duration.ts'
import type { Run } from '../run/run.ts'
import type { Verdict } from '../gates/gate.ts'

/** A due run, and what its gates say of it now. */
export interface Due { run: Pick<Run, 'task' | 'due_at'>, verdict: Pick<Verdict, 'decision' | 'gates'> }

/** For how long nothing has started (ms) although runs are due, of how many tasks, and why the run that has waited longest does. */
export interface Standstill { ms: number, tasks: number, task: string, message: string }

/** The task is gone or switched off, or waits for another: that nothing starts for it is no news. */
const NO_NEWS = ['task', 'enabled', 'dependencies']

/** What could start, were it not held: gates that the calendar opens will open. */
const isHeld = ({ verdict: { decision, gates } }: Due): boolean =>
  decision !== 'start' && !gates.some(({ gate, ok, clears_at: at }) => !ok && (at !== null || NO_NEWS.includes(gate)))

/** A standstill, or null: nothing has started since `startedAt` (epoch ms) for `spanMs`, and a run has been due and held for as long. */
export function standstillOf ({ due, now, startedAt, spanMs }: { due: readonly Due[], now: number, startedAt: number, spanMs: number }): Standstill | null {
  if (spanMs === 0 || now - startedAt < spanMs) return null
  const held = due.filter(isHeld).toSorted((a, b) => a.run.due_at - b.run.due_at)
  const [first] = held
  if (first === undefined) return null
  const ms = now - Math.max(startedAt, first.run.due_at)
  const message = first.verdict.gates.find(({ ok }) => !ok)?.message ?? 'the reason is unknown'
  return ms < spanMs ? null : { ms, tasks: new Set(held.map(({ run }) => run.task)).size, task: first.run.task, message }
}

/** A standstill as health says it. */
export const standstillWords = ({ ms, tasks, task, message }: Standstill): string =>
  `nothing has started for ${spanWords(ms)} although runs of ${tasks === 1 ? 'a task are' : `${tasks} tasks are`} due, '${task}' first: ${message}`
