import type { Command } from 'commander'
import type { RecordsAnswer } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { print, printJson, printNote } from '../terminal/output.ts'
import { remoteOptions, wholeNumber } from '../remote/options.ts'
import { table } from '../terminal/table.ts'
import { timeWords } from '../terminal/time-words.ts'

const MOST = 200

type RecordsOptions = RemoteOptions & { action?: string, limit: number, before?: number }

const detailWords = (detail: unknown): string => detail === null ? '' : JSON.stringify(detail)

async function records ({ action, limit, before, ...given }: RecordsOptions): Promise<void> {
  const client = await Client.find(given)
  const query = new URLSearchParams({
    limit: String(limit),
    ...action !== undefined && { action },
    ...before !== undefined && { before: String(before) }
  })
  const answer = await client.get<RecordsAnswer>(`/api/records?${query}`)
  if (given.json) return printJson(answer)
  const { items, next } = answer
  if (items.length === 0) return print('Nothing was done by hand.')
  const rows = items.map((
    { at, by, action: did, subject, detail }
  ) => [timeWords(at), by, did, subject, detailWords(detail)])
  print(table(['WHEN', 'WHO', 'DID', 'TO', 'DETAIL'], rows))
  if (next !== null) printNote(`There are earlier ones: offpeak records --before ${next}`)
}

/** `records`: who did what by hand. */
export function addRecords (program: Command): void {
  remoteOptions(
    program.command('records').summary('list what was done by hand, and by whom').description(
      'list what was done by hand, newest first: who, what and when; needs the token'
    )
  )
    .option('--action <action>', "only this action, such as 'run', 'pause' or 'enable'")
    .option('--limit <count>', 'how many', wholeNumber('--limit', 1, MOST), 50)
    .option('--before <seq>', 'only those before this one', wholeNumber('--before', 1, Number.MAX_SAFE_INTEGER))
    .action(records)
}
