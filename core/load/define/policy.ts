import { milliseconds } from '../../model/base/duration.ts'
import type { Detail } from '../../model/errors/errors.ts'
import type { Policy } from '../../model/task/policy.ts'
import { NO_POLICY } from '../../model/task/policy.ts'
import type { Override } from '../../model/task/task.ts'

/** Faults of the fields about other runs. */
export function policyFaults ({ id, depends_on: wanted = [], unique, backoff }: Override & { id?: string }): Detail[] {
  const own = wanted.flatMap(({ task }, index) =>
    task === id
      ? [{
        pointer: `/depends_on/${index}/task`,
        detail: `found '${task}', expected another task: a task cannot wait for itself`
      }]
      : []
  )
  const both = unique?.while !== undefined && unique.for !== undefined
    ? [{ pointer: '/unique/for', detail: "cannot be combined with 'while'" }]
    : []
  const list = backoff?.list !== undefined && backoff.kind !== undefined && backoff.kind !== 'list'
    ? [{ pointer: '/backoff/list', detail: `goes with the kind 'list', not '${backoff.kind}'` }]
    : []
  const bare = backoff?.kind === 'list' && backoff.list === undefined
    ? [{ pointer: '/backoff/list', detail: 'is missing: the kind is list' }]
    : []
  return [...own, ...both, ...list, ...bare]
}

/** The fields about other runs, with all defaults. */
export function policyOf (
  { depends_on: wanted, locks, alone = false, retry_for: span, unique, breaker, on_changed = 'keep' }: Override
): Policy {
  return {
    depends_on: wanted === undefined
      ? NO_POLICY.depends_on
      : wanted.map(({ task, condition = 'completed', fresh }) => ({
        task,
        condition,
        freshMs: fresh === undefined ? Infinity : milliseconds(fresh)
      })),
    locks: locks === undefined ? NO_POLICY.locks : [...new Set(locks)],
    alone,
    retryForMs: span === undefined ? Infinity : milliseconds(span),
    unique: unique === undefined ? null : { ...unique },
    breaker: breaker === undefined
      ? null
      : {
        failures: breaker.failures,
        pauseMs: milliseconds(breaker.pause ?? '1m'),
        capMs: milliseconds(breaker.cap ?? '1h')
      },
    on_changed
  }
}
