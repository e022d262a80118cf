import type { Gate, GateInput } from '../conditions/gate.ts'
import { inDefinition } from '../conditions/gate.ts'
import { inlineWindow, openingAt, windowsOf } from '../machine/window.ts'
import { iso } from '../base/clock.ts'
import type { Task } from '../task/task.ts'
import type { Window } from '../machine/window.ts'

const inline = new WeakMap<Task, Window | null>()

/** The window of a task, by name or written out in its own zone; null when it has none or the name is unknown. */
export function windowFor (task: Task, config: GateInput['config']): Window | null {
  const text = task.constraints.window
  if (text === undefined) return null
  const named = windowsOf(config).get(text)
  if (named) return named
  if (!inline.has(task)) inline.set(task, inlineWindow(text, task.timezone))
  return inline.get(task) ?? null
}

/** Closed outside the window of the task, and while no window has its name. */
export const window: Gate = ask => {
  const { task, now } = ask
  const text = task?.constraints.window
  if (task === undefined || text === undefined) return null
  const found = windowFor(task, ask.config)
  const opening = found && openingAt(found, now)
  const facts = { gate: 'window', required: text, certain: true, source: inDefinition('window') }
  if (!found || !opening) {
    const message = found ? `window ${text} never opens` : `no window is named '${text}'`
    return {
      ...facts,
      ok: false,
      code: found ? 'window_never' : 'window_missing',
      message,
      observed: null,
      clears_at: null
    }
  }
  const ok = opening.from <= now
  const until = opening.to === Infinity ? '' : ` until ${iso(opening.to)}`
  return {
    ...facts,
    ok,
    code: ok ? 'ok' : 'outside_window',
    message: ok ? `in window ${text}${until}` : `outside window ${text}`,
    observed: iso(now),
    clears_at: ok ? null : opening.from
  }
}
