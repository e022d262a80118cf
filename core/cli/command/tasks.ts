import type { Command } from 'commander'
import type { BuiltInTask, HealthAnswer, TaskView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { STATUSES } from '../../model/view/status.ts'
import { agoWords, isElsewhere, timeWords } from '../terminal/time-words.ts'
import { oneOf, remoteOptions } from '../remote/options.ts'
import { counted } from '../../model/json/text.ts'
import { faultWords, plain, print, printJson, styled } from '../terminal/output.ts'
import type { Cell } from '../terminal/table.ts'
import { stateCell } from '../terminal/run-words.ts'
import { table } from '../terminal/table.ts'

const untilWords = ({ until }: { until: string | null }) => until === null ? '' : ` until ${timeWords(until)}`

/** `running`, `paused until 18:00:00 by cli:ada`, `held (on battery)`. */
function statusCell ({ status, paused, held }: TaskView): Cell {
  const text = paused !== null && (status === 'paused' || status === 'running')
    ? `${status === 'running' ? 'running, ' : ''}paused${untilWords(paused)} by ${paused.by}`
    : held === null
    ? status
    : `${status} (${held.code.replaceAll('_', ' ')})`
  return stateCell(status, text)
}

function lastCell ({ last_run: last }: TaskView): Cell {
  if (last === null) return '-'
  const text = `${last.state} ${agoWords(last.at)}`
  return last.state === 'failed' ? stateCell(last.state, text) : text
}

/** `in 2 h`, and the local time when the schedule is in another zone, which its words name. */
function nextWords ({ next_run: next, trigger }: TaskView): string {
  if (next === null) return '-'
  const here = trigger !== null && isElsewhere(next, trigger.timezone) ? `, ${timeWords(next)} here` : ''
  return `${agoWords(next)}${here}`
}

/** Tasks as rows: id, status, schedule in words, last and next run. */
function taskTable (tasks: readonly TaskView[]): string {
  const rows = tasks.map(task => [
    task.id,
    statusCell(task),
    task.trigger?.words ?? 'on request',
    lastCell(task),
    nextWords(task)
  ])
  return table(['TASK', 'STATUS', 'SCHEDULE', 'LAST', 'NEXT'], rows)
}

/** How many held tasks are explained below the table. */
const MOST_REASONS = 5

/** `wash is held: signal solar is 620; start it now with: offpeak now 6h02v5ayg00`, a line for each held task. */
function heldLines (tasks: readonly TaskView[]): string[] {
  const lines = tasks.flatMap(({ id, paused, held }) =>
    paused !== null || held === null ? [] : [`${id} is held: ${held.message}`]
  )
  const more = lines.length - MOST_REASONS
  return [...lines.slice(0, MOST_REASONS),
    ...more > 0 ? [`${more} more ${more === 1 ? 'is' : 'are'} held; offpeak why <task> explains one`] : []]
}

type TasksOptions = RemoteOptions & { status?: string, all?: boolean }

/** The table without disabled tasks that do nothing, and how many these are; then built-in tasks that are off. */
function printTasks (tasks: readonly TaskView[], off: readonly BuiltInTask[], isWhole: boolean): void {
  const shown = isWhole ? tasks : tasks.filter(({ status }) => status !== 'disabled')
  const hidden = tasks.length - shown.length
  if (shown.length > 0) print(taskTable(shown))
  else print(tasks.length === 0 ? 'There are no tasks.' : 'No task is enabled.')
  for (const line of heldLines(shown)) print(plain(line))
  const folded = [...hidden > 0 ? [`${hidden} disabled`] : [],
    ...off.length > 0 && !isWhole ? [`${counted(off.length, 'built-in task')} off`] : []]
  if (folded.length > 0) print(styled('dim', `${folded.join(', ')}: offpeak tasks --all`))
  if (off.length === 0 || !isWhole) return
  print(`\n${table(['BUILT-IN, OFF', 'WHAT IT DOES'], off.map(({ id, description }) => [id, description]))}`)
  print(styled('dim', 'offpeak enable <task> turns one on.'))
}

/** The line of one task. */
async function one (task: string, given: RemoteOptions): Promise<void> {
  const view = await (await Client.find(given)).get<TaskView>(`/api/tasks/${encodeURIComponent(task)}`)
  if (given.json) return printJson([view])
  printTasks([view], [], true)
}

async function list (task: string | undefined, { status, all = false, ...given }: TasksOptions): Promise<void> {
  if (task !== undefined) return await one(task, given)
  const client = await Client.find(given)
  const tasks = await client.get<TaskView[]>(`/api/tasks${status === undefined ? '' : `?status=${status}`}`)
  if (given.json) return printJson(tasks)
  const builtIn = status === undefined ? await client.get<BuiltInTask[]>('/api/builtin').catch(() => []) : []
  printTasks(tasks, builtIn.filter(({ on }) => !on), all || status !== undefined)
  // A list without a broken file must not look complete.
  const health = await client.get<HealthAnswer>('/api/health').catch(() => null)
  for (const fault of health?.broken ?? []) print(`broken: ${faultWords(fault)}`)
  if (health?.config?.error) print(`configuration refused: ${faultWords(health.config.error)}`)
  for (const warning of health?.config?.warnings ?? []) print(`warning: ${faultWords(warning)}. ${warning.fix}`)
}

/** `tasks`: every task, or one. */
export function addTasks (program: Command): void {
  remoteOptions(
    program.command('tasks [task]').alias('ls').summary('list tasks').description(
      'list tasks, or show one: status, schedule, last and next run'
    )
  )
    .option('--status <statuses>', 'tasks with these statuses, separated by commas', oneOf('--status', STATUSES))
    .option('--all', 'disabled tasks, and built-in ones that are off, too')
    .action(list)
}
