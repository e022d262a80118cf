import { iso } from '../base/clock.ts'
import { readingView } from './machine-view.ts'
import { runView } from './run-view.ts'
import type { Failure } from '../run/outcome.ts'
import type { Notice, NoticeKind } from '../notice.ts'
import type { Progress, Run } from '../run/run.ts'

/** The topics of live events. */
export const TOPICS = ['runs', 'tasks', 'readings', 'config', 'records', 'system'] as const
export type Topic = typeof TOPICS[number]

const NAMED: Partial<Record<NoticeKind, Topic>> = {
  changed: 'runs',
  resting: 'runs',
  stale: 'runs',
  signalled: 'runs',
  begun_anew: 'runs',
  overdue: 'runs',
  late_error: 'runs',
  fired: 'tasks',
  missed: 'tasks',
  schedule_failed: 'tasks',
  schedule_mended: 'tasks',
  sampled: 'readings',
  recorded: 'records'
}
const PREFIXES: readonly [string, Topic][] = [['task_', 'tasks'], ['file_', 'tasks'], ['config_', 'config']]

/** The topic of a notice. */
export function topicOf (notice: Notice): Topic {
  const named = NAMED[notice.kind] ?? PREFIXES.find(([prefix]) => notice.kind.startsWith(prefix))?.[1]
  return named ?? ('run' in notice ? 'runs' : 'system')
}

type NamedRun = Pick<Run, 'id' | 'task'> & { progress?: Progress | null }

/** The error without its stack and causes. Events leave out large or private fields; requests for one run return
 *  them. */
const briefError = ({ stack: _stack, cause: _cause, ...rest }: Failure) => rest

/** The fields of a run that its event needs. */
export function briefRun (run: Run): Run {
  const { payload: _payload, checkpoint: _checkpoint, results: _results, result: _result, ...rest } = run as
    & Run
    & Record<'payload' | 'checkpoint' | 'results' | 'result', unknown>
  return rest.error === null ? rest : { ...rest, error: briefError(rest.error) }
}

function runInEvent (run: Run | NamedRun, at: number) {
  if ('state' in run) return runView(briefRun(run), at)
  return run.progress ? { ...run, progress: { ...run.progress, at: iso(run.progress.at)! } } : run
}

/** The event of a notice: its kind, its topic, its instant and its fields, with instants in ISO 8601. */
export function eventView (notice: Notice, at: number): Record<string, unknown> {
  const { kind, ...facts } = notice
  const event: Record<string, unknown> = { kind, topic: topicOf(notice), at: iso(at)!, ...facts }
  if ('run' in notice) event.run = runInEvent(notice.run, at)
  if ('error' in notice) event.error = briefError(notice.error)
  if ('from' in notice) Object.assign(event, { from: iso(notice.from), to: iso(notice.to) })
  if ('retry_at' in notice) event.retry_at = iso(notice.retry_at)
  if ('reading' in notice) event.reading = readingView(notice.reading)
  return event
}

/** The event for a reader without a token: without the keys of runs and without `by` and `subject` of records;
 *  `withheld` names the fields. */
export function withoutPrivate (event: Record<string, unknown>): Record<string, unknown> {
  const { run, kind } = event as { run?: { key?: string | null }, kind: string }
  if (kind === 'recorded') return { ...event, by: null, subject: null, withheld: ['by', 'subject'] }
  return run?.key === undefined || run.key === null
    ? event
    : { ...event, run: { ...run, key: null, withheld: ['key'] } }
}
