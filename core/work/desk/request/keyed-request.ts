import { digest } from './digest.ts'
import type { Engine, KeyedRequest } from '../../../engine/engine.ts'
import type { Task } from '../../../model/task/task.ts'
import type { TaskRunAsk } from './enqueue-request.ts'

const PREFIX = 'request/'
const HEX = '0123456789abcdef'
/** At most this many keys are deleted at a time. */
const SLICE = 500

/** A request with an idempotency key. `scope`: the endpoint; the same key in another scope is another request. */
export interface RequestAsk {
  key: string
  scope: string
  request: unknown
}

type Definitions = Pick<ReadonlyMap<string, Task>, 'get'>

/** The runs of one request. A run without a key gets one that is derived from the key of the request and its index, so
 *  that a repeated request finds the same run. Runs of tasks that are unique by payload or by task get none. */
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

/** The entry that the engine stores with the runs of a request: a repeated request returns those runs, a different
 *  request with the same key is refused. */
export const requestOf = ({ key, scope, request }: RequestAsk): KeyedRequest => ({
  key,
  name: `${PREFIX}${digest([scope, key])}`,
  digest: digest(request)
})

/** Deletes idempotency keys that were last used before an instant, epoch ms. Their runs have been deleted by then. */
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
