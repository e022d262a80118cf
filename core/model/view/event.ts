import { iso } from '../base/clock.ts'
import { readingView } from './machine-view.ts'
import { runView } from './view.ts'
import type { Failure } from '../run/outcome.ts'
import type { Notice, NoticeKind } from '../notice.ts'
import type { Progress, Run } from '../run/run.ts'

/** What one can listen to. */
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

/** Under which topic a notice is told. */
export function topicOf (notice: Notice): Topic {
  const named = NAMED[notice.kind] ?? PREFIXES.find(([prefix]) => notice.kind.startsWith(prefix))?.[1]
  return named ?? ('run' in notice ? 'runs' : 'system')
}

type NamedRun = Pick<Run, 'id' | 'task'> & { progress?: Progress | null }

/** What is bulky or private stays where it is asked for by name: stacks, payloads, checkpoints and results. */
const briefError = ({ stack: _stack, cause: _cause, ...rest }: Failure) => rest

/** What is kept of a run until it is told. */
export function briefRun (run: Run): Run {
  const { payload: _payload, checkpoint: _checkpoint, results: _results, result: _result, ...rest } = run as
    & Run
    & Record<'payload' | 'checkpoint' | 'results' | 'result', unknown>
  return rest.error === null ? rest : { ...rest, error: briefError(rest.error) }
}

function runTold (run: Run | NamedRun, at: number) {
  if ('state' in run) return runView(briefRun(run), at)
  return run.progress ? { ...run, progress: { ...run.progress, at: iso(run.progress.at)! } } : run
}

/** A notice as it is told outside: its kind, its topic, the instant, and its facts with every instant in ISO 8601. */
export function eventView (notice: Notice, at: number): Record<string, unknown> {
  const { kind, ...facts } = notice
  const told: Record<string, unknown> = { kind, topic: topicOf(notice), at: iso(at)!, ...facts }
  if ('run' in notice) told.run = runTold(notice.run, at)
  if ('error' in notice) told.error = briefError(notice.error)
  if ('from' in notice) Object.assign(told, { from: iso(notice.from), to: iso(notice.to) })
  if ('retry_at' in notice) told.retry_at = iso(notice.retry_at)
  if ('reading' in notice) told.reading = readingView(notice.reading)
  return told
}

/** An event as a reader without a token receives it: the keys of runs, and of what was done by hand who did it and to
 *  what, are left out, and `withheld` says so. */
export function withoutPrivate (told: Record<string, unknown>): Record<string, unknown> {
  const { run, kind } = told as { run?: { key?: string | null }, kind: string }
  if (kind === 'recorded') return { ...told, by: null, subject: null, withheld: ['by', 'subject'] }
  return run?.key === undefined || run.key === null ? told : { ...told, run: { ...run, key: null, withheld: ['key'] } }
}
