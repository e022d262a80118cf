import type { Client } from '../remote/client.ts'
import type { PauseView, TaskView } from '../remote/answers.ts'
import { nearest } from '../../model/base/nearest.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** What a pause applies to. */
export type PauseScope = Pick<PauseView, 'scope'> & { name?: string }

const SCOPE = /^(queue|task|tag):(.+)$/

/** `all`, `queue:NAME`, `task:NAME` or `tag:NAME`; null for a name alone. */
function pauseScopeOf (text: string): PauseScope | null {
  if (text === 'all') return { scope: 'all' }
  const [, scope, name] = SCOPE.exec(text) ?? []
  return scope === undefined ? null : { scope: scope as PauseView['scope'], name: name! }
}

/** A scope as it is typed: `all`, or `queue:NAME`. */
export const pauseScopeWords = ({ scope, name = null }: { scope: string, name?: string | null }): string =>
  name === null ? scope : `${scope}:${name}`

type Named = Required<PauseScope>

/** Every task, queue and tag. */
async function everyScope (client: Client): Promise<Named[]> {
  const [tasks, queues] = await Promise.all([
    client.get<TaskView[]>('/api/tasks'),
    client.get<{ name: string }[]>('/api/queues')
  ])
  return [
    ...tasks.map(({ id }): Named => ({ scope: 'task', name: id })),
    ...queues.map(({ name }): Named => ({ scope: 'queue', name })),
    ...new Set(tasks.flatMap(({ tags }) => tags)).values().map((name): Named => ({ scope: 'tag', name }))
  ]
}

/** The scope that a name alone stands for; throws OFFPEAK_USAGE_INVALID when there is none, or several. */
function scopeNamed (name: string, all: readonly Named[]): PauseScope {
  const [scope, ...others] = all.filter(one => one.name === name)
  if (scope !== undefined && others.length === 0) return scope
  if (scope !== undefined) {
    const both = [scope, ...others]
    throw usageInvalid(`'${name}' is the name of ${both.map(one => `a ${one.scope}`).join(' and ')}`,
      `Use ${both.map(pauseScopeWords).join(' or ')}.`)
  }
  const near = nearest(name, all.map(one => one.name))
  throw usageInvalid(`There is no task, queue or tag '${name.slice(0, 80)}'`,
    `${near === null ? '' : `Did you mean '${near}'? `}Use the name of one, or all.`)
}

/** The scope of a pause that is made: `all`, `task:NAME`, or the name of a task, a queue or a tag alone. Throws
 *  OFFPEAK_USAGE_INVALID. */
export const findPauseScope = async (client: Client, text: string): Promise<PauseScope> =>
  pauseScopeOf(text) ?? scopeNamed(text, await everyScope(client))

/** The scope of a pause that is ended: a name alone is first looked for among what is paused. */
export async function findPaused (client: Client, text: string): Promise<PauseScope> {
  const given = pauseScopeOf(text)
  if (given !== null) return given
  const paused = (await client.get<PauseView[]>('/api/pauses')).flatMap(({ scope, name }) =>
    name === text ? [{ scope, name }] : []
  )
  return scopeNamed(text, paused.length > 0 ? paused : await everyScope(client))
}
