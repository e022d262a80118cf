import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from '../remote/client.ts'
import type { FullRunView, LineAnswer, LinesAnswer } from '../remote/answers.ts'
import { isFinal } from '../../model/run/run.ts'
import { plain, printNote } from './output.ts'
import { timeWords } from './time-words.ts'

const PAUSE = 250
const BAR = 24

/** One line of a run's log for a terminal. */
export function lineWords ({ at, level, text, data }: LineAnswer): string {
  // Only the first line of an entry begins like a line of the log.
  return plain(`${timeWords(at)} ${level.padEnd(5)} ${text}${data === undefined ? '' : ` ${JSON.stringify(data)}`}`)
    .replaceAll('\n', '\n    ')
}

/** What has been logged after `after`, line by line; resolves to where to go on. */
export async function newLines (
  client: Client,
  ask: { id: string, after: number, each: (line: LineAnswer) => void }
): Promise<number> {
  let { after } = ask
  for (;;) {
    const { items, next } = await client.get<LinesAnswer>(
      `/api/runs/${encodeURIComponent(ask.id)}/logs?after=${after}&limit=1000`
    )
    for (const line of items) ask.each(line)
    if (items.length === 0) return after
    after = next
  }
}

/** `[######      ] 50 % 5/10 files (copying), 2 s left: a message`, or what is known of it. */
export function progressWords ({ progress, label }: Pick<FullRunView, 'progress'> & { label: string }): string {
  if (progress === null) return label
  const { stage, percentage, current, total, unit, eta, message } = progress
  const part = stage === undefined ? '' : ` (${stage})`
  const bar = percentage === null
    ? ''
    : `[${'#'.repeat(Math.round(percentage / 100 * BAR)).padEnd(BAR)}] ${percentage} % `
  // A count of percent is the percentage.
  const isShare = unit === '%' && total === 100 && percentage !== null
  const amount = isShare ? '' : `${current}${total === null ? '' : `/${total}`}${unit === null ? '' : ` ${unit}`}`
  const left = eta === null || label !== 'running' ? '' : `, ${eta} s left`
  return plain(
    `${isShare ? bar.trimEnd() : bar}${amount}${part}${left}${message === null ? '' : `: ${message}`}`
  )
}

/** The same in a cell of a table, which keeps no run of blanks. */
export const barWords = (run: Parameters<typeof progressWords>[0]): string =>
  progressWords(run).replace(/^\[#* *\]/, bar => bar.replaceAll(' ', '.'))

interface Follow {
  /** Called for each log line; without it no lines are fetched. */
  line?: ((line: LineAnswer) => void) | undefined
  moved?: ((run: FullRunView) => void) | undefined
}

/** Watches a run until it is over; resolves to how it ended. */
export async function follow (client: Client, id: string, { line, moved }: Follow): Promise<FullRunView> {
  let after = 0
  for (;;) {
    const run = await client.get<FullRunView>(`/api/runs/${encodeURIComponent(id)}`)
    // The run is asked first: what it logged before it ended is then sure to be there.
    if (line) after = await newLines(client, { id, after, each: line })
    moved?.(run)
    if (isFinal(run.state)) return run
    await wait(PAUSE)
  }
}

/** The exit code of a command that Ctrl-C has ended, as shells give it. */
const INTERRUPTED = 130

/** Waits for a promise. Ctrl-C meanwhile prints what goes on without this command, and ends it. */
export async function orInterrupted<T> (waiting: Promise<T>, words: () => string): Promise<T> {
  const interrupted = () => {
    printNote(words())
    process.exit(INTERRUPTED)
  }
  process.once('SIGINT', interrupted)
  try {
    return await waiting
  } finally {
    process.removeListener('SIGINT', interrupted)
  }
}

/** The message about a run that is no longer followed. */
export const goesOnWords = (id: string): string =>
  `${id} goes on. Follow it with: offpeak logs ${id} --follow; end it with: offpeak cancel ${id}`
