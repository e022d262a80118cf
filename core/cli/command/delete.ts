import type { Command } from 'commander'
import type { ChangeOptions } from '../terminal/bulk-change.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { bulkBody, bulkOptions } from '../input/run-filter.ts'
import { changeMatching } from '../terminal/bulk-change.ts'
import { forEachRun } from '../terminal/for-each-run.ts'
import { remoteOptions } from '../remote/options.ts'

async function deleteRuns (ids: string[], given: ChangeOptions): Promise<void> {
  if (bulkBody({ verb: 'delete', ids, given }) !== null) {
    return await changeMatching({ act: 'delete', verb: 'deleted' }, given)
  }
  const client = await Client.find(given)
  const query = given.reason === undefined ? '' : `?${new URLSearchParams({ reason: given.reason })}`
  const end = async (word: string) => {
    const id = await findRun(client, word)
    await client.delete(`/api/runs/${id}${query}`)
    return { id, deleted: true }
  }
  await forEachRun({ ids, act: end, line: ({ id }) => `${id} is deleted`, json: given.json })
}

/** `delete`: removes finished runs. */
export function addDelete (program: Command): void {
  bulkOptions(
    remoteOptions(
      program.command('delete [runs...]').summary('delete finished runs').description(
        'delete finished runs: by id, or all finished runs that match a filter'
      )
    ).option('--reason <text>', 'why; it is recorded')
  ).action(deleteRuns)
}
