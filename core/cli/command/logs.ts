import type { Command } from 'commander'
import type { LineAnswer, RunAnswer } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { follow, goesOnWords, lineWords, newLines, orInterrupted } from '../terminal/follow.ts'
import { plain, print } from '../terminal/output.ts'
import { errorWords } from '../terminal/run-words.ts'
import { remoteOptions } from '../remote/options.ts'

/** The error of a failed run after its log. */
function printError ({ state, error }: Pick<RunAnswer, 'state' | 'error'>): void {
  if (state === 'failed' && error !== null) print(plain(`failed: ${errorWords(error)}`))
}

async function logs (word: string, given: RemoteOptions & { follow?: boolean }): Promise<void> {
  const client = await Client.find(given)
  const id = await findRun(client, word)
  const each = (line: LineAnswer) => print(given.json ? JSON.stringify(line) : lineWords(line))
  const run = given.follow
    ? await orInterrupted(follow(client, id, { line: each }), () => goesOnWords(id))
    : await newLines(client, { id, after: 0, each }).then(() =>
      client.get<RunAnswer>(`/api/runs/${encodeURIComponent(id)}`)
    )
  if (!given.json) printError(run)
}

/** `logs`: the log of one run. */
export function addLogs (program: Command): void {
  remoteOptions(program.command('logs <run>').summary('print the log of a run').description('print the log of a run'))
    .option('-f, --follow', 'keep printing until the run ends')
    .action(logs)
}
