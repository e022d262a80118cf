import type { Command } from 'commander'
import type { FullRunView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'
import { runWords } from '../terminal/run-words.ts'

async function show (id: string, given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  const run = await client.get<FullRunView>(`/api/runs/${encodeURIComponent(id)}`)
  if (given.json) return printJson(run)
  print(runWords(run))
}

/** `show`: one run in full. */
export function addShow (program: Command): void {
  remoteOptions(program.command('show <run>').description('show everything about a run')).action(show)
}
