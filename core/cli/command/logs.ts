import type { Command } from 'commander'
import type { LineAnswer, RunAnswer } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { follow, goesOnWords, lineWords, newLines, orInterrupted } from '../terminal/follow.ts'
import { plain, print, printNote } from '../terminal/output.ts'
import { errorWords, labelWords } from '../terminal/run-words.ts'
import { isFinal } from '../../model/run/run.ts'
import { remoteOptions } from '../remote/options.ts'

/** The error of a failed run after its log. */
function printError ({ state, error }: Pick<RunAnswer, 'state' | 'error'>): void {
  if (state === 'failed' && error !== null) print(plain(`failed: ${errorWords(error)}`))
}

/** Why a run has no log: it waits, has said nothing yet, or has ended with no output. */
function silenceWords (run: Pick<RunAnswer, 'id' | 'state' | 'label' | 'held'>): string {
  const { id, state } = run
  if (state === 'running') return `${id} is running: it has logged nothing yet`
  if (isFinal(state)) {
    return `${id} ${state === 'skipped' || state === 'cancelled' ? `was ${state}` : state}: it has no log`
  }
  return `${id} is ${labelWords(run)}: it has no log yet (offpeak why ${id})`
}

async function logs (word: string, given: RemoteOptions & { follow?: boolean }): Promise<void> {
  const client = await Client.find(given)
  const id = await findRun(client, word)
  let isSilent = !given.json
  const each = (line: LineAnswer) => {
    isSilent = false
    print(given.json ? JSON.stringify(line) : lineWords(line))
  }
  // Standard output has only the log.
  const noteSilence = (run: RunAnswer) => {
    if (isSilent) printNote(plain(silenceWords(run)))
    isSilent = false
  }
  const run = given.follow
    ? await orInterrupted(follow(client, id, { line: each, moved: noteSilence }), () => goesOnWords(id))
    : await newLines(client, { id, after: 0, each }).then(() =>
      client.get<RunAnswer>(`/api/runs/${encodeURIComponent(id)}`)
    )
  noteSilence(run)
  if (!given.json) printError(run)
}

/** `logs`: the log of one run. */
export function addLogs (program: Command): void {
  remoteOptions(
    program.command('logs <task|run>').summary('print the log of a run').description('print the log of a run')
  )
    .option('-f, --follow', 'keep printing until the run ends')
    .action(logs)
}
