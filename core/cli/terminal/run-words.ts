import type { FullRunView, RunAnswer } from '../remote/answers.ts'
import { sizeWords } from '../../model/base/size.ts'
import { durationWords, timeWords, zonedWords } from './time-words.ts'
import { plain, styled } from './output.ts'
import { progressWords } from './follow.ts'
import type { Cell } from './table.ts'

type Style = Parameters<typeof styled>[0]

const COLOURS: Record<string, Style> = {
  completed: 'green',
  failed: 'red',
  dead: 'red',
  running: 'cyan',
  held: 'yellow',
  paused: 'yellow',
  retrying: 'yellow',
  skipped: 'dim',
  cancelled: 'dim',
  disabled: 'dim'
}

/** A state in its colour. */
export const stateWords = (state: string): string =>
  COLOURS[state] === undefined ? state : styled(COLOURS[state], state)

/** A cell of a table in the colour of a state. */
export const stateCell = (state: string, text = state): Cell =>
  COLOURS[state] === undefined ? text : { text, style: COLOURS[state] }

/** The state of a run as people see it: a run that a pause holds is paused. */
export const labelWords = ({ label, held }: Pick<RunAnswer, 'label' | 'held'>): string =>
  held?.code === 'paused' ? 'paused' : label

/** `it broke (at throws.ts:1:120)`. */
export const errorWords = ({ message, at }: { message: string, at?: string | undefined }): string =>
  at === undefined ? message : `${message} (at ${at})`

/** The reason for the state of a run: what holds it, its error, or its warning. */
export function whyWords (
  { state, held, error, reason, warning }: Pick<RunAnswer, 'state' | 'held' | 'error' | 'reason' | 'warning'>
): string {
  if (state === 'blocked') return 'waits for other runs'
  // An attempt may have failed before it was cancelled.
  const causes = state === 'cancelled' || state === 'skipped' ? [reason, error] : [error, reason]
  const first = causes.find(cause => cause !== null)
  return held?.message ?? (first === undefined || first === null ? undefined : errorWords(first)) ?? warning ?? ''
}

/** When a run began, or when it is due while it waits. */
export const whenWords = (
  { state, started_at: at, due_at: due }: Pick<RunAnswer, 'state' | 'started_at' | 'due_at'>
): string => timeWords(state === 'queued' || state === 'blocked' ? due : at ?? due)

/** `400 ms of processor time, 85.2 MB of memory, 3 MB read, 12 KB written`. */
function usedWords (used: FullRunView['used']): string {
  if (used === null) return ''
  const { cpu_seconds: cpu, memory_peak_bytes: memory, read_bytes: read, written_bytes: written } = used
  const bytes = [[read, 'read'], [written, 'written']] as const
  return [`${durationWords(cpu)} of processor time`, `${sizeWords(memory)} of memory`,
    ...bytes.flatMap(([count, word]) => count === null ? [] : [`${sizeWords(count)} ${word}`])].join(', ')
}

// The number of retries of a run that only `retry_for` limits.
const MOST_RETRIES = 1000

const attemptWords = ({ attempt, max_retries: most }: FullRunView) =>
  most === MOST_RETRIES ? String(attempt) : `${attempt} of ${most + 1}`

/** Everything about a run, one fact per line. `zone`: the zone of the schedule of its task. */
export function runWords (run: FullRunView, zone: string | null = null): string {
  const facts: [string, string][] = [
    ['run', run.id],
    ['task', run.task],
    ['state', stateWords(labelWords(run))],
    ['progress', run.progress === null ? '' : progressWords(run)],
    ['why', whyWords(run)],
    ['asked for', `${timeWords(run.created_at)} (${run.source}${run.schedule === null ? '' : ` ${run.schedule}`})`],
    ['after',
      run.after.map(({ run: id, condition, ref, state }) =>
        `${ref === null ? id : `#${ref} (${id})`}, ${condition}: it is ${state}`
      ).join('; ')],
    ['due', zonedWords(run.due_at, zone)],
    ['started', timeWords(run.started_at)],
    ['finished', timeWords(run.finished_at)],
    ['took', durationWords(run.duration)],
    ['used', usedWords(run.used)],
    ['attempt', attemptWords(run)],
    ['checkpoint', run.checkpoint?.version ? `saved by version ${run.checkpoint.version}` : ''],
    ['payload', JSON.stringify(run.payload)],
    ['result', JSON.stringify(run.result)]
  ]
  const known = facts.filter(([, value]) => value !== '' && value !== '-' && value !== 'null')
  const attempts = run.attempts.map(({ attempt, outcome, started_at: at, error, reason }) =>
    `  attempt ${attempt}: ${outcome} at ${timeWords(at)}${
      error ?? reason ? `: ${plain(errorWords((error ?? reason)!))}` : ''
    }`
  )
  return [...known.map(([name, value]) => `${name.padEnd(10)} ${name === 'state' ? value : plain(value)}`), ...attempts]
    .join('\n')
}
