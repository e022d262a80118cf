import type { Command } from 'commander'
import type { FaultAnswer, HealthAnswer, PauseView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { SECOND } from '../../model/base/duration.ts'
import { Client } from '../remote/client.ts'
import { pauseScopeWords } from '../input/pause-scope.ts'
import { timeWords } from '../terminal/time-words.ts'
import { faultWords, plain, print, printJson, styled } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'

/** Health is shown without the pauses when they take longer, ms. */
const PATIENCE = 3 * SECOND
const COLOURS = { ok: 'green', degraded: 'yellow', failed: 'red' } as const

const pausedWords = (pause: PauseView): string =>
  `paused: ${pauseScopeWords(pause)} by ${pause.by}${pause.until === null ? '' : `, until ${timeWords(pause.until)}`}`

const MOST_FAULTS = 5

const faultLine = (kind: string) => (fault: FaultAnswer): string =>
  `${kind}: ${faultWords(fault)}${fault.fix ? `${/[.?!]$/.test(fault.message) ? '' : '.'} ${fault.fix}` : ''}`

/** The broken files and the refused configuration, which the reasons only count, and settings without effect. */
function faultLines ({ broken = [], config }: HealthAnswer): string[] {
  const more = broken.length - MOST_FAULTS
  return [
    ...config?.error ? [faultLine('configuration')(config.error)] : [],
    ...broken.slice(0, MOST_FAULTS).map(faultLine('broken')),
    ...more > 0 ? [`${more} more broken: offpeak validate lists them`] : [],
    ...(config?.warnings ?? []).map(faultLine('warning'))
  ]
}

async function health ({ live, ...given }: RemoteOptions & { live?: boolean }): Promise<void> {
  const client = await Client.find(given)
  const answer = await client.health()
  process.exitCode = answer.status === 'ok' || (live && answer.status === 'degraded') ? 0 : 1
  if (given.json) return printJson(answer)
  // A server whose event loop is blocked answers nothing else.
  const pauses = await client.get<PauseView[]>('/api/pauses', PATIENCE).catch(() => [])
  const lines = [
    ...answer.reasons.map(reason => reason.replaceAll('\n', ' ')),
    ...pauses.map(pausedWords),
    ...faultLines(answer)
  ]
  print(styled(COLOURS[answer.status], answer.status))
  for (const line of lines) print(plain(`  ${line}`))
}

/** `health`: whether the server is healthy, and why not. */
export function addHealth (program: Command): void {
  remoteOptions(
    program.command('health').alias('status').summary('show whether the server is healthy').description(
      'show whether the server is healthy, with every reason if not; exit code 0: ok, 1: degraded or failed'
    ).option('--live', 'exit with 0 when degraded too: for the health check of a container')
  ).action(health)
}
