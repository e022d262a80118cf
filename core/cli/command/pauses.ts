import type { Command } from 'commander'
import type { PauseView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { pauseScopeWords } from '../input/pause-scope.ts'
import { print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'
import { table } from '../terminal/table.ts'
import { timeWords } from '../terminal/time-words.ts'

/** What is paused as it is typed: `hello`, or `task:hello` while something else that is called so is paused. */
function nameWords (pause: PauseView, all: readonly PauseView[]): string {
  const { name = null } = pause
  return name === null || all.filter(other => other.name === name).length > 1 ? pauseScopeWords(pause) : name
}

async function pauses (given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  const all = await client.get<PauseView[]>('/api/pauses')
  if (given.json) return printJson(all)
  if (all.length === 0) return print('Nothing is paused.')
  const rows = all.map(
    pause => [nameWords(pause, all), pause.scope, pause.until === null ? 'resumed' : timeWords(pause.until), pause.by,
      timeWords(pause.at), pause.reason ?? '']
  )
  print(table(['PAUSED', 'SCOPE', 'UNTIL', 'BY', 'SINCE', 'REASON'], rows))
}

/** `pauses`: what is paused. */
export function addPauses (program: Command): void {
  remoteOptions(
    program.command('pauses').summary('list what is paused').description('list what is paused, until when and by whom')
  ).action(pauses)
}
