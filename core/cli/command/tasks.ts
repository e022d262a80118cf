import type { Command } from 'commander'
import type { Filter } from '../terminal/run-filter.ts'
import type { Remote } from '../remote/options.ts'
import type { HealthAnswer, RunAnswer, RunsAnswer, TaskView } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { STATUSES } from '../../model/view/status.ts'
import { agoWords, durationWords, whenWords, whyWords } from '../terminal/run-words.ts'
import { oneOf, remote, whole } from '../remote/options.ts'
import { plain, say, sayJson } from '../terminal/output.ts'
import { which } from '../terminal/run-filter.ts'
import { table } from '../terminal/table.ts'

/** What is scheduled, as rows: id, status, schedule in words, last and next run. */
export function taskRows (tasks: readonly TaskView[]): string {
  const rows = tasks.map(({ id, status, trigger, last_run: last, next_run: next, held }) => [
    id,
    held === null ? status : `${status}: ${held.message}`,
    trigger?.words ?? 'on request',
    last === null ? '-' : `${last.state} ${agoWords(last.at)}`,
    next === null ? '-' : agoWords(next)
  ])
  return table(['TASK', 'STATUS', 'SCHEDULE', 'LAST', 'NEXT'], rows)
}

/** Runs as rows: id, task, state, when, how long, why. */
export function runRows (runs: readonly RunAnswer[]): string {
  const rows = runs.map(
    run => [run.id, run.task, run.label, whenWords(run), durationWords(run.duration), whyWords(run)]
  )
  return table(['RUN', 'TASK', 'STATE', 'AT', 'TOOK', 'WHY'], rows)
}

async function listTasks ({ status, ...given }: Remote & { status?: string }): Promise<void> {
  const client = await Client.find(given)
  const tasks = await client.get<TaskView[]>(`/api/tasks${status === undefined ? '' : `?status=${status}`}`)
  if (given.json) return sayJson(tasks)
  say(tasks.length === 0 ? 'There are no tasks.' : taskRows(tasks))
  // A list that leaves a broken file out must not look whole.
  const health = await client.get<HealthAnswer>('/api/health').catch(() => null)
  for (const { where, message } of health?.broken ?? []) {
    say(`broken: ${where === null ? '' : `${where}: `}${plain(message)}`)
  }
}

const FIELDS = ['task', 'state', 'queue', 'source', 'schedule', 'from', 'to'] as const

type RunFilter = Remote & Pick<Filter, typeof FIELDS[number]> & { limit: number }

async function listRuns ({ limit, ...given }: RunFilter): Promise<void> {
  const client = await Client.find(given)
  const said = FIELDS.flatMap(name => given[name] === undefined ? [] : [[name, given[name]]])
  const query = new URLSearchParams([['limit', String(limit)], ...said])
  const answer = await client.get<RunsAnswer>(`/api/runs?${query}`)
  if (given.json) return sayJson(answer)
  say(answer.items.length === 0 ? 'There are no runs.' : runRows(answer.items))
}

/** `tasks` and `runs`: the two lists. */
export function addLists (program: Command): void {
  remote(program.command('tasks').description('list the tasks: status, schedule, last and next run'))
    .option('--status <status>', 'only these', oneOf('--status', STATUSES))
    .action(listTasks)
  which(remote(program.command('runs').description('list the runs, newest first')))
    .option('--limit <count>', 'how many', whole('--limit', 1, 200), 20)
    .action(listRuns)
}
