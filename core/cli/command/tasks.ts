import type { Command } from 'commander'
import type { HealthAnswer, TaskView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { STATUSES } from '../../model/view/status.ts'
import { agoWords } from '../terminal/time-words.ts'
import { oneOf, remoteOptions } from '../remote/options.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'

/** Tasks as rows: id, status, schedule in words, last and next run. */
function taskTable (tasks: readonly TaskView[]): string {
  const rows = tasks.map(({ id, status, trigger, last_run: last, next_run: next, held }) => [
    id,
    held === null ? status : `${status}: ${held.message}`,
    trigger?.words ?? 'on request',
    last === null ? '-' : `${last.state} ${agoWords(last.at)}`,
    next === null ? '-' : agoWords(next)
  ])
  return table(['TASK', 'STATUS', 'SCHEDULE', 'LAST', 'NEXT'], rows)
}

async function list ({ status, ...given }: RemoteOptions & { status?: string }): Promise<void> {
  const client = await Client.find(given)
  const all = await client.get<TaskView[]>(`/api/tasks${status === undefined ? '' : `?status=${status}`}`)
  if (given.json) return printJson(all)
  print(all.length === 0 ? 'There are no tasks.' : taskTable(all))
  // A list without a broken file must not look complete.
  const health = await client.get<HealthAnswer>('/api/health').catch(() => null)
  for (const { where, message } of health?.broken ?? []) {
    print(`broken: ${where === null ? '' : `${where}: `}${plain(message)}`)
  }
}

/** `tasks`: every task. */
export function addTasks (program: Command): void {
  remoteOptions(program.command('tasks').description('list tasks: status, schedule, last and next run'))
    .option('--status <statuses>', 'tasks with these statuses, separated by commas', oneOf('--status', STATUSES))
    .action(list)
}
