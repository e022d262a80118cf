import type { Command } from 'commander'
import type { ChangeOptions } from '../terminal/bulk-change.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { bulkBody, bulkOptions } from '../input/run-filter.ts'
import { changeMatching } from '../terminal/bulk-change.ts'
import { forEachRun } from '../terminal/for-each-run.ts'
import { remoteOptions } from '../remote/options.ts'
import { stateWords } from '../terminal/run-words.ts'

const lineOf = ({ id, state }: RunAnswer) =>
  state === 'cancelled' ? `${id} ${stateWords('cancelled')}` : `${id} was asked to stop`

async function cancel (ids: string[], given: ChangeOptions): Promise<void> {
  if (bulkBody({ verb: 'cancel', ids, given }) !== null) {
    return await changeMatching({ act: 'cancel', verb: 'cancelled' }, given)
  }
  const client = await Client.find(given)
  const end = async (word: string) =>
    await client.post<RunAnswer>(`/api/runs/${await findRun(client, word)}/cancel`,
      given.reason === undefined ? {} : { reason: given.reason })
  await forEachRun({ ids, act: end, line: lineOf, json: given.json })
}

/** `cancel`: ends unfinished runs. */
export function addCancel (program: Command): void {
  bulkOptions(
    remoteOptions(
      program.command('cancel [runs...]').summary('end waiting runs, stop running ones').description(
        'end waiting runs and ask running ones to stop: by id, or all unfinished runs that match a filter'
      )
    ).option('--reason <text>', 'why; recorded with the run')
  ).action(cancel)
}
