import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { printRun } from '../terminal/print-run.ts'
import { remoteOptions } from '../remote/options.ts'

async function promote (word: string, given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  printRun(await client.post<RunAnswer>(`/api/runs/${await findRun(client, word)}/promote`), given)
}

/** `promote`: makes a waiting run due. */
export function addPromote (program: Command): void {
  remoteOptions(
    program.command('promote <task|run>').summary('make a waiting run due now').description(
      'make a waiting run due now; every other gate still applies'
    )
  ).action(promote)
}
