import type { PauseView } from '../remote/answers.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** What a pause applies to. */
export type PauseScope = Pick<PauseView, 'scope'> & { name?: string }

const SCOPE = /^(queue|task|tag):(.+)$/

/** Reads `all`, `queue:NAME`, `task:NAME` or `tag:NAME`; throws OFFPEAK_USAGE_INVALID. */
export function pauseScopeOf (text: string): PauseScope {
  if (text === 'all') return { scope: 'all' }
  const [, scope, name] = SCOPE.exec(text) ?? []
  if (scope === undefined) {
    throw usageInvalid(`'${text.slice(0, 80)}' cannot be paused`,
      `Use all, queue:NAME, task:NAME or tag:NAME, such as task:${text.slice(0, 64)}.`)
  }
  return { scope: scope as PauseView['scope'], name: name! }
}

/** A scope as it is typed: `all`, or `queue:NAME`. */
export const pauseScopeWords = ({ scope, name }: { scope: string, name: string | null }): string =>
  name === null ? scope : `${scope}:${name}`
