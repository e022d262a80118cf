import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import type { PauseView, TaskView } from '../remote/answers.ts'
import type { Remote } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { Option } from 'commander'
import { agoWords, timeWords } from '../terminal/run-words.ts'
import { instant, remote, span } from '../remote/options.ts'
import { plain, say, sayJson, tell } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'
import { usageInvalid } from '../../model/base/errors.ts'

type Scope = Pick<PauseView, 'scope'> & { name?: string }

const DRAIN_PAUSE = 250
const WHAT = /^(queue|task|tag):(.+)$/

/** `all`, `queue:NAME`, `task:NAME` or `tag:NAME`; throws OFFPEAK_USAGE_INVALID. */
function scopeIn (what: string): Scope {
  if (what === 'all') return { scope: 'all' }
  const [, scope, name] = WHAT.exec(what) ?? []
  if (scope === undefined) {
    throw usageInvalid(`'${what.slice(0, 80)}' is nothing that can be paused`,
      `Say all, queue:NAME, task:NAME or tag:NAME, such as task:${what.slice(0, 64)}.`)
  }
  return { scope: scope as PauseView['scope'], name: name! }
}

const whatWords = ({ scope, name }: { scope: string, name: string | null }): string =>
  name === null ? scope : `${scope}:${name}`

type PauseGiven = Remote & { for?: string, until?: string, reason?: string, drain?: boolean }

/** How many runs of it run. */
async function runningOf (client: Client, { scope, name }: Scope): Promise<number> {
  const tasks = await client.get<TaskView[]>(
    `/api/tasks${scope === 'all' || scope === 'task' ? '' : `?${new URLSearchParams({ [scope]: name! })}`}`
  )
  return tasks.filter(({ id }) => scope !== 'task' || id === name).reduce((sum, { counts }) => sum + counts.running, 0)
}

/** Waits until nothing of it runs any more. */
async function drained (client: Client, scope: Scope): Promise<void> {
  let before = 0
  for (let running = await runningOf(client, scope); running > 0; running = await runningOf(client, scope)) {
    if (running !== before) tell(`${running} ${running === 1 ? 'run' : 'runs'} to go`)
    before = running
    await wait(DRAIN_PAUSE)
  }
}

async function pause (
  what: string,
  { for: length, until, reason, drain = false, ...given }: PauseGiven
): Promise<void> {
  const scope = scopeIn(what)
  const client = await Client.find(given)
  const made = await client.post<PauseView>('/api/pauses', {
    ...scope,
    ...length !== undefined && { for: length },
    ...until !== undefined && { until },
    ...reason !== undefined && { reason }
  })
  if (drain) await drained(client, scope)
  if (given.json) return sayJson(made)
  say(
    plain(
      `${whatWords(made)} is paused ${
        made.until === null ? 'until it is resumed' : `until ${timeWords(made.until)} (${agoWords(made.until)})`
      }; ${drain ? 'nothing of it runs any more' : 'what is running goes on'}`
    )
  )
}

async function resume (what: string, given: Remote): Promise<void> {
  const { scope, name } = scopeIn(what)
  const client = await Client.find(given)
  await client.delete(`/api/pauses?${new URLSearchParams({ scope, ...name !== undefined && { name } })}`)
  if (given.json) return sayJson({ scope, name: name ?? null })
  say(plain(`${what} is resumed`))
}

async function pauses (given: Remote): Promise<void> {
  const client = await Client.find(given)
  const all = await client.get<PauseView[]>('/api/pauses')
  if (given.json) return sayJson(all)
  const rows = all.map(
    one => [whatWords(one), one.until === null ? 'resumed' : timeWords(one.until), one.by, timeWords(one.at),
      one.reason ?? '']
  )
  say(rows.length === 0 ? 'Nothing is paused.' : table(['PAUSED', 'UNTIL', 'BY', 'SINCE', 'REASON'], rows))
}

/** `pause`, `resume` and `pauses`. */
export function addPauses (program: Command): void {
  remote(program.command('pause <what>').description('start no more runs of: all, queue:NAME, task:NAME, tag:NAME'))
    .addOption(
      new Option('--for <duration>', "how long: seconds, or words such as '2h'; until it is resumed when absent")
        .conflicts('until').argParser(span('--for'))
    )
    .option('--until <instant>', 'until then', instant('--until'))
    .option('--reason <text>', 'why')
    .option('--drain', 'and wait until what is running is over')
    .action(pause)
  remote(program.command('resume <what>').description('take a pause back: all, queue:NAME, task:NAME, tag:NAME'))
    .action(resume)
  remote(program.command('pauses').description('what is paused, until when and by whom')).action(pauses)
}
