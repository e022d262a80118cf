import { setTimeout as wait } from 'node:timers/promises'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { PauseScope } from '../input/pause-scope.ts'
import type { PauseView, TaskView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { agoWords, timeWords } from '../terminal/time-words.ts'
import { duration, instant, remoteOptions } from '../remote/options.ts'
import { findPauseScope, pauseScopeWords } from '../input/pause-scope.ts'
import { orInterrupted } from '../terminal/follow.ts'
import { plain, print, printJson, printNote } from '../terminal/output.ts'

const POLL_MS = 250

type PauseOptions = RemoteOptions & { for?: string, until?: string, reason?: string, drain?: boolean }

/** How many runs of the scope are running. */
async function runningOf (client: Client, { scope, name }: PauseScope): Promise<number> {
  const tasks = await client.get<TaskView[]>(
    `/api/tasks${scope === 'all' || scope === 'task' ? '' : `?${new URLSearchParams({ [scope]: name! })}`}`
  )
  return tasks.filter(({ id }) => scope !== 'task' || id === name).reduce((sum, { counts }) => sum + counts.running, 0)
}

/** Waits until no run of the scope is running. */
async function drained (client: Client, scope: PauseScope): Promise<void> {
  let before = 0
  for (let running = await runningOf(client, scope); running > 0; running = await runningOf(client, scope)) {
    if (running !== before) printNote(`${running} ${running === 1 ? 'run' : 'runs'} to go`)
    before = running
    await wait(POLL_MS)
  }
}

async function pause (
  what: string,
  { for: length, until, reason, drain = false, ...given }: PauseOptions
): Promise<void> {
  const client = await Client.find(given)
  const scope = await findPauseScope(client, what)
  const made = await client.post<PauseView>('/api/pauses', {
    ...scope,
    ...length !== undefined && { for: length },
    ...until !== undefined && { until },
    ...reason !== undefined && { reason }
  })
  const stays = () => `${pauseScopeWords(made)} stays paused. End that with: offpeak resume ${pauseScopeWords(made)}`
  if (drain) await orInterrupted(drained(client, scope), stays)
  if (given.json) return printJson(made)
  const end = made.until === null ? 'until it is resumed' : `until ${timeWords(made.until)} (${agoWords(made.until)})`
  print(
    plain(`${pauseScopeWords(made)} is paused ${end}; ${drain ? 'no run is running' : 'running runs continue'}`)
  )
}

/** `pause`: starts no more runs of a scope. */
export function addPause (program: Command): void {
  remoteOptions(
    program.command('pause <what>').summary('start no more runs of a task, queue or tag').description(
      'start no more runs of all, or of the task, queue or tag with this name; task:NAME, queue:NAME and tag:NAME ' +
        'say which is meant'
    )
  )
    .addOption(
      new Option('--for <duration>', "how long: seconds, or a duration such as '2h'; default: until resumed")
        .conflicts('until').argParser(duration('--for'))
    )
    .option('--until <instant>', "when the pause ends, such as '18:00' or 'tomorrow 06:00'", instant('--until'))
    .option('--reason <text>', 'why; shown with the pause')
    .option('--drain', 'wait until its running runs have ended')
    .action(pause)
}
