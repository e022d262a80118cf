import type { Command } from 'commander'
import type { ChangeOptions } from '../terminal/bulk-change.ts'
import { Client } from '../remote/client.ts'
import { bulkBody, bulkOptions } from '../input/run-filter.ts'
import { changeMatching } from '../terminal/bulk-change.ts'
import { forEachRun } from '../terminal/for-each-run.ts'
import { remoteOptions } from '../remote/options.ts'
import { retryRun } from '../remote/retry-run.ts'
import { stateWords } from '../terminal/run-words.ts'

async function retry (ids: string[], given: ChangeOptions): Promise<void> {
  if (bulkBody({ verb: 'retry', ids, given }) !== null) {
    return await changeMatching({ act: 'retry', verb: 'queued again' }, given)
  }
  const client = await Client.find(given)
  await forEachRun({
    ids,
    act: retryRun(client),
    line: ({ id, label }) => `${id} ${stateWords(label)}`,
    json: given.json
  })
}

/** `retry`: queues finished runs again. */
export function addRetry (program: Command): void {
  bulkOptions(
    remoteOptions(
      program.command('retry [runs...]').summary('queue finished runs again').description(
        'queue finished runs again: by id, or all failed runs that match a filter'
      )
    )
  )
    .option('--every <duration>', 'interval between the due times of the runs that match the filter')
    .action(retry)
}
