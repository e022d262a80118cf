import { spanWords } from '../base/duration.ts'
import type { Run } from '../run/run.ts'
import type { Verdict } from '../conditions/gate.ts'

/** A due run with its verdict. */
interface Due {
  run: Pick<Run, 'task' | 'due_at'>
  verdict: Pick<Verdict, 'decision' | 'gates'>
}

/** How long no run has started (ms) although runs are due, of how many tasks, and why the longest waiting one does not
 *  start. */
export interface Standstill {
  ms: number
  tasks: number
  task: string
  message: string
}

/** `startedAt`: when a run last started, epoch ms; `spanMs`: 0 for never. */
interface StandstillAsk {
  due: readonly Due[]
  now: number
  startedAt: number
  spanMs: number
}

/** Gates that explain by themselves why a task does not start: it is missing, disabled, or waits for another task. */
const EXPECTED = ['task', 'enabled', 'dependencies']

/** True for a held run with a closed gate that no known instant will open. */
const isHeld = ({ verdict: { decision, gates } }: Due): boolean =>
  decision !== 'start' && !gates.some(({ gate, ok, clears_at: at }) => !ok && (at !== null || EXPECTED.includes(gate)))

/** The standstill, or null: no run has started for `spanMs`, and a run has been due and held for as long. */
export function standstillOf ({ due, now, startedAt, spanMs }: StandstillAsk): Standstill | null {
  if (spanMs === 0 || now - startedAt < spanMs) return null
  const held = due.filter(isHeld).toSorted((a, b) => a.run.due_at - b.run.due_at)
  const [first] = held
  if (first === undefined) return null
  const ms = now - Math.max(startedAt, first.run.due_at)
  const message = first.verdict.gates.find(({ ok }) => !ok)?.message ?? 'the reason is unknown'
  const tasks = new Set(held.map(({ run }) => run.task)).size
  return ms < spanMs ? null : { ms, tasks, task: first.run.task, message }
}

/** The message of health about a standstill. */
export function standstillWords ({ ms, tasks, task, message }: Standstill): string {
  const whose = tasks === 1 ? 'a task' : `${tasks} tasks`
  return `nothing has started for ${spanWords(ms)} although runs of ${whose} are due, '${task}' first: ${message}`
}
