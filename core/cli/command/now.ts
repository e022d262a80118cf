import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import type { RequestedAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { forEachRun } from '../terminal/for-each-run.ts'
import { plain } from '../terminal/output.ts'
import { printBypassed } from '../terminal/bypassed.ts'
import { remoteOptions } from '../remote/options.ts'
import { stateWords } from '../terminal/run-words.ts'

async function startNow (ids: string[], given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  const start = async (word: string) => {
    const run = await client.post<RequestedAnswer>(`/api/runs/${await findRun(client, word)}/now`)
    printBypassed(run)
    return run
  }
  await forEachRun({
    ids,
    act: start,
    line: ({ id, held, label }) =>
      held === null ? `${id} starts now` : plain(`${id} ${stateWords(label)}: ${held.message}`),
    json: given.json
  })
}

/** `now`: starts waiting runs. */
export function addNow (program: Command): void {
  remoteOptions(
    program.command('now <runs...>').summary('start waiting runs now').description(
      'start waiting runs now: bypasses load, power and comfort gates, but not safety gates, slots and pauses'
    )
  ).action(startNow)
}
