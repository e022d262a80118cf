import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { agoWords } from '../terminal/time-words.ts'
import { print, printJson } from '../terminal/output.ts'
import { errorWords } from '../terminal/run-words.ts'
import { remoteOptions } from '../remote/options.ts'
import { table } from '../terminal/table.ts'

interface DeadGroup {
  task: string
  fingerprint: string
  count: number
  message: string
  at?: string
  first_at: string
  last_at: string
}

async function dead ({ task, ...given }: RemoteOptions & { task?: string }): Promise<void> {
  const client = await Client.find(given)
  const query = task === undefined ? '' : `?task=${encodeURIComponent(task)}`
  const groups = await client.get<DeadGroup[]>(`/api/dead${query}`)
  if (given.json) return printJson(groups)
  if (groups.length === 0) return print('No run has failed for good.')
  const rows = groups.map((
    { task: id, fingerprint, count, last_at: last, ...error }
  ) => [id, String(count), agoWords(last), fingerprint, errorWords(error)])
  print(table(['TASK', 'RUNS', 'LAST', 'FINGERPRINT', 'ERROR'], rows))
}

/** `dead`: the runs that failed for good, grouped by error. */
export function addDead (program: Command): void {
  remoteOptions(
    program.command('dead').summary('list runs that failed for good').description(
      'list runs that failed for good, grouped by task and error'
    )
  )
    .option('--task <id>', 'runs of this task')
    .action(dead)
}
