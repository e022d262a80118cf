import type { Command } from 'commander'
import type { Remote } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { plain, say, sayJson } from '../terminal/output.ts'
import { remote } from '../remote/options.ts'

async function health (given: Remote): Promise<void> {
  const client = await Client.find(given)
  const answer = await client.health()
  process.exitCode = answer.status === 'ok' ? 0 : 1
  if (given.json) return sayJson(answer)
  say(plain([answer.status, ...answer.reasons.map(reason => `  ${reason.replaceAll('\n', ' ')}`)].join('\n')))
}

/** `health`: whether the server is well, and why not. */
export function addHealth (program: Command): void {
  remote(
    program.command('health').description(
      'whether the server is well, and every reason why it is not; exit code 0 ok, 1 degraded or failed'
    )
  ).action(health)
}
