import type { Client } from './client.ts'
import type { RunsAnswer } from './answers.ts'
import { MINUTE } from '../../model/base/duration.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { decodeId, prefixTimes } from '../../model/run/id.ts'
import { runNotFound } from '../../model/errors/run-errors.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

const LEAST_PREFIX = 4
const MOST_SHOWN = 5
const PAGE = 200

/** The newest run of a task; throws OFFPEAK_USAGE_INVALID when it has none. */
async function lastRunOf (client: Client, task: string): Promise<string> {
  const { items: [last] } = await client.get<RunsAnswer>(`/api/runs?${new URLSearchParams({ task, limit: '1' })}`)
  if (last !== undefined) return last.id
  throw usageInvalid(`The task '${task}' has no run yet`, `Start one with \`offpeak run ${task}\`.`)
}

/** The runs whose ids begin with a text, at most a few of them. */
async function runsLike (client: Client, prefix: string): Promise<RunsAnswer['items']> {
  const times = prefix.length < LEAST_PREFIX ? null : prefixTimes(prefix)
  if (times === null) return []
  const found: RunsAnswer['items'] = []
  // An id is numbered when the run is stored, which is soon after the request.
  const query = new URLSearchParams({
    limit: String(PAGE),
    from: new Date(times.from - MINUTE).toISOString(),
    to: new Date(times.to + 1).toISOString()
  })
  for (;;) {
    const { items, next } = await client.get<RunsAnswer>(`/api/runs?${query}`)
    found.push(...items.filter(({ id }) => id.startsWith(prefix)))
    if (next === null || found.length > MOST_SHOWN) return found
    query.set('cursor', next)
  }
}

/** The error about a task; null: there is the task. */
async function taskFault (client: Client, word: string): Promise<OffpeakError | null> {
  try {
    await client.get(`/api/tasks/${encodeURIComponent(word)}`)
    return null
  } catch (error) {
    const isMissing = error instanceof OffpeakError &&
      ['OFFPEAK_TASK_NOT_FOUND', 'OFFPEAK_TASKS_LOADING', 'OFFPEAK_INPUT_INVALID'].includes(error.code)
    if (isMissing) return error
    throw error
  }
}

/** The id of a run by that id, by a beginning that only it has, or by its task, whose newest run it is. Throws
 *  OFFPEAK_RUN_NOT_FOUND, and OFFPEAK_USAGE_INVALID when several runs begin so. */
export async function findRun (client: Client, word: string): Promise<string> {
  if (decodeId(word) !== null) return word
  const fault = await taskFault(client, word)
  if (fault === null) return await lastRunOf(client, word)
  const [run, ...others] = await runsLike(client, word)
  if (run !== undefined && others.length === 0) return run.id
  if (run !== undefined) {
    const ids = [run, ...others].slice(0, MOST_SHOWN).map(({ id, task }) => `${id} (${task})`)
    throw usageInvalid(
      `Several runs begin with '${word}': ${ids.join(', ')}${others.length >= MOST_SHOWN ? ', and more' : ''}`,
      'Add characters until only one of them is meant.'
    )
  }
  const { code, statusCode: status, message, fix } = runNotFound(word)
  const near = /^Did you mean '[^']*'\?/.exec(fault.fix ?? '')?.[0]
  throw new OffpeakError({ code, status, message, fix: [near, fix].filter(Boolean).join(' ') })
}
