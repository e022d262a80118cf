import type { BulkAnswer } from '../terminal/bulk-change.ts'
import type { Command } from 'commander'
import type { DeadOptions } from '../input/dead-filter.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { deadBody, deadOptions } from '../input/dead-filter.ts'
import { forEachRun } from '../terminal/for-each-run.ts'
import { printCount } from '../terminal/bulk-change.ts'
import { printJson } from '../terminal/output.ts'

async function discard (ids: string[], { reason, ...given }: DeadOptions & { reason: string }): Promise<void> {
  const body = deadBody(ids, given)
  const client = await Client.find(given)
  const one = async (word: string) =>
    await client.post<RunAnswer>(`/api/dead/${await findRun(client, word)}/discard`, { reason })
  if (body === null) {
    return await forEachRun({ ids, act: one, line: ({ id }) => `${id} is discarded`, json: given.json })
  }
  const counted = await client.post<BulkAnswer>('/api/dead/discard', { ...body, reason })
  if (given.json) return printJson(counted)
  printCount(counted, { verb: 'discarded' })
}

/** `discard`: removes runs that failed for good. */
export function addDiscard (program: Command): void {
  deadOptions(
    program.command('discard [runs...]', { hidden: true }).description(
      'remove failed runs: by id, or all that match a filter'
    )
  )
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action(discard)
}
