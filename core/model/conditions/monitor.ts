import type { Task } from '../task/task.ts'

const TYPES = new Set([
  'check',
  'health',
  'health_check',
  'healthcheck',
  'heartbeat',
  'monitor',
  'monitoring',
  'ping',
  'probe',
  'uptime',
  'watchdog'
])
const WORDS = /(?:^|[^a-z0-9])(?:health[ _.-]?checks?|heart[ _.-]?beats?|watchdogs?)(?:$|[^a-z0-9])/

type Worded = Pick<Task, 'id' | 'name' | 'type' | 'tags'>

const answers = new WeakMap<Worded, boolean>()

/** True for a task that monitors something, by its type (`check`, `monitor`, `heartbeat`, …) or by its id, name or
 *  tags. Load does not hold it: a check that waits for a quiet machine misses the trouble it looks for. */
export function isMonitor (task: Worded): boolean {
  const before = answers.get(task)
  if (before !== undefined) return before
  const type = task.type.toLowerCase().replaceAll(/[ .-]/g, '_')
  const is = TYPES.has(type) || [task.id, task.name, ...task.tags].some(text => WORDS.test(text.toLowerCase()))
  answers.set(task, is)
  return is
}
