import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'

async function health (given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  const answer = await client.health()
  process.exitCode = answer.status === 'ok' ? 0 : 1
  if (given.json) return printJson(answer)
  print(plain([answer.status, ...answer.reasons.map(reason => `  ${reason.replaceAll('\n', ' ')}`)].join('\n')))
}

/** `health`: whether the server is healthy, and why not. */
export function addHealth (program: Command): void {
  remoteOptions(
    program.command('health').description(
      'show whether the server is healthy, with every reason if not; exit code 0: ok, 1: degraded or failed'
    )
  ).action(health)
}
