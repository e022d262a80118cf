import type { Command } from 'commander'
import type { QueueView } from '../../work/desk/queues.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { agoWords, durationWords, timeWords } from '../terminal/time-words.ts'
import { print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'
import { table } from '../terminal/table.ts'

const ofMost = (count: number, most: number | null) => most === null ? String(count) : `${count} of ${most}`

function pauseWords (paused: QueueView['paused']): string {
  if (paused === null) return '-'
  const until = paused.until === null ? '' : ` until ${timeWords(paused.until)}`
  return `by ${paused.by}${until}${paused.reason === null ? '' : `: ${paused.reason}`}`
}

function rowOf ({ name, depth, max_length: max, running, concurrency, rate, paused, oldest }: QueueView): string[] {
  return [name, ofMost(depth, max), ofMost(running, concurrency),
    rate === null ? '-' : `${rate.limit} in ${durationWords(rate.per)}, ${rate.left} left`,
    oldest === null ? '-' : agoWords(oldest), pauseWords(paused)]
}

async function queues (name: string | undefined, given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  const answer = await client.get<QueueView | QueueView[]>(
    name === undefined ? '/api/queues' : `/api/queues/${encodeURIComponent(name)}`
  )
  if (given.json) return printJson(answer)
  const rows = [answer].flat().map(rowOf)
  print(
    rows.length === 0
      ? 'There are no queues.'
      : table(['QUEUE', 'WAITING', 'RUNNING', 'RATE', 'OLDEST DUE', 'PAUSED'], rows)
  )
}

/** `queues`: every queue, or one. */
export function addQueues (program: Command): void {
  remoteOptions(
    program.command('queues [queue]').summary('list queues, or show one').description(
      'list queues, or show one: waiting and running runs, limits'
    )
  ).action(queues)
}
