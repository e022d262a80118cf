import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { jsonOf } from '../input/json.ts'
import { print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'
import { stateCell } from '../terminal/run-words.ts'
import { table } from '../terminal/table.ts'

interface FlowAnswer {
  runs: { id: string, ref: string | null, task: string, state: string }[]
}

async function flow (file: string, given: RemoteOptions): Promise<void> {
  const body = await jsonOf(file)
  const client = await Client.find(given)
  const answer = await client.post<FlowAnswer>('/api/flows', Array.isArray(body) ? { runs: body } : body)
  if (given.json) return printJson(answer)
  const rows = answer.runs.map(({ id, ref, task, state }) => [id, ref ?? '-', task, stateCell(state)])
  print(table(['RUN', 'REF', 'TASK', 'STATE'], rows))
}

/** `flow`: adds runs that depend on each other. */
export function addFlow (program: Command): void {
  remoteOptions(
    program.command('flow <file>').summary('add runs that depend on each other').description(
      'add runs that depend on each other, from a JSON file, or - for standard input'
    )
  ).action(flow)
}
