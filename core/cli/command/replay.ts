import type { BulkAnswer } from '../terminal/bulk-change.ts'
import type { Command } from 'commander'
import type { DeadOptions } from '../input/dead-filter.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { deadBody, deadOptions } from '../input/dead-filter.ts'
import { durationOf } from '../input/enqueue-options.ts'
import { forEachRun } from '../terminal/for-each-run.ts'
import { printCount } from '../terminal/bulk-change.ts'
import { printJson } from '../terminal/output.ts'
import { retryRun } from '../remote/retry-run.ts'
import { runConflict } from '../../model/errors/run-errors.ts'
import { stateWords } from '../terminal/run-words.ts'

const replayOne = (client: Client) => async (word: string): Promise<RunAnswer> => {
  const id = await findRun(client, word)
  const { state } = await client.get<RunAnswer>(`/api/runs/${id}`)
  if (state !== 'failed') throw runConflict({ id, state, wanted: 'replayed: only failed runs are' })
  return await retryRun(client)(id)
}

async function replay (ids: string[], { every, ...given }: DeadOptions & { every?: string }): Promise<void> {
  const body = deadBody(ids, given)
  const client = await Client.find(given)
  if (body === null) {
    return await forEachRun({
      ids,
      act: replayOne(client),
      line: ({ id, label }) => `${id} ${stateWords(label)}`,
      json: given.json
    })
  }
  const counted = await client.post<BulkAnswer>('/api/dead/replay', {
    ...body,
    ...every !== undefined && { every: durationOf(every) }
  })
  if (given.json) return printJson(counted)
  printCount(counted, { verb: 'queued again' })
}

/** `replay`: queues runs that failed for good again. */
export function addReplay (program: Command): void {
  deadOptions(
    program.command('replay [runs...]', { hidden: true }).description(
      'queue failed runs again: by id, or all that match a filter'
    )
  )
    .option('--every <duration>', 'interval between their due times')
    .action(replay)
}
