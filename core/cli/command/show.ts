import type { Command } from 'commander'
import type { FullRunView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'
import { runWords } from '../terminal/run-words.ts'
import { zoneOf } from '../remote/zone-of.ts'

async function show (word: string, given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  const run = await client.get<FullRunView>(`/api/runs/${await findRun(client, word)}`)
  if (given.json) return printJson(run)
  print(runWords(run, await zoneOf(client, run.task)))
}

/** `show`: one run in full. */
export function addShow (program: Command): void {
  remoteOptions(
    program.command('show <task|run>').summary('show everything about a run').description('show everything about a run')
  ).action(show)
}
