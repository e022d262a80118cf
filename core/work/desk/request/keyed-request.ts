import { digest } from './digest.ts'
import type { Engine, KeyedRequest } from '../../../engine/engine.ts'
import type { Task } from '../../../model/task/task.ts'
import type { TaskRunAsk } from './enqueue-request.ts'

const PREFIX = 'request/'
const HEX = '0123456789abcdef'
/** Facts that are removed at once. */
const SLICE = 500

/** A request that names itself by a key. `scope`: where it was sent to; elsewhere the same key names another
 *  request. */
export interface RequestAsk {
  key: string
  scope: string
  request: unknown
}

type Definitions = Pick<ReadonlyMap<string, Task>, 'get'>

/** The runs of one request, each that has no key of its own named by the key of the request and its place: sent again,
 *  it is the same run. Runs of tasks that are unique by something else stay so. */
export function named (
  runs: readonly TaskRunAsk[],
  { key, scope }: Pick<RequestAsk, 'key' | 'scope'>,
  tasks: Definitions
): TaskRunAsk[] {
  const name = digest([scope, key])
  return runs.map((run, index) => {
    const isUnique = (tasks.get(run.task)?.unique?.by ?? 'key') !== 'key'
    return run.key !== undefined || isUnique
      ? run
      : { ...run, key: `${PREFIX}${name}/${index}`, unique: run.unique ?? { while: 'kept' } }
  })
}

/** What a key is used for, as the engine keeps it with what the request adds: sent again the request finds that, and
 *  another request with the key is refused. */
export const requestOf = ({ key, scope, request }: RequestAsk): KeyedRequest => ({
  key,
  name: `${PREFIX}${digest([scope, key])}`,
  digest: digest(request)
})

/** Forgets what keys were used for before an instant, epoch ms: by then the runs are gone too. */
export async function forgetRequests (
  engine: Pick<Engine, 'keep' | 'kept'>,
  { before, now }: { before: number, now: number }
): Promise<void> {
  for (const digit of HEX) {
    const old = (await engine.kept({ prefix: PREFIX + digit })).filter(({ at }) => at < before)
    for (let start = 0; start < old.length; start += SLICE) {
      await Promise.all(old.slice(start, start + SLICE).map(({ name }) => engine.keep({ name, value: null, now })))
    }
  }
}
