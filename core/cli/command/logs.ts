import type { Command } from 'commander'
import type { LineAnswer } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { follow, lineWords, newLines } from '../terminal/follow.ts'
import { print } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'

async function logs (id: string, given: RemoteOptions & { follow?: boolean }): Promise<void> {
  const client = await Client.find(given)
  const each = (line: LineAnswer) => print(given.json ? JSON.stringify(line) : lineWords(line))
  if (given.follow) return void await follow(client, id, { line: each })
  await newLines(client, { id, after: 0, each })
}

/** `logs`: the log of one run. */
export function addLogs (program: Command): void {
  remoteOptions(program.command('logs <run>').description('print the log of a run'))
    .option('-f, --follow', 'keep printing until the run ends')
    .action(logs)
}
