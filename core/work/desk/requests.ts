import { digest } from './digest.ts'
import { idempotencyConflict } from '../../model/base/errors.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Task } from '../../model/task/task.ts'
import type { TaskRunAsk } from './intake.ts'

const PREFIX = 'request/'
const HEX = '0123456789abcdef'
/** Facts that are removed at once. */
const SLICE = 500

/** A request that names itself by a key. `scope`: where it was sent to; elsewhere the same key names another request. */
export interface RequestAsk { key: string, scope: string, request: unknown }

type Definitions = Pick<ReadonlyMap<string, Task>, 'get'>

/** The runs of one request, each that has no key of its own named by the key of the request and its place: sent again, it is the same run. Runs of
 *  tasks that are unique by something else stay so. */
export function named (runs: readonly TaskRunAsk[], { key, scope }: Pick<RequestAsk, 'key' | 'scope'>, tasks: Definitions): TaskRunAsk[] {
  const name = digest([scope, key])
  return runs.map((run, index) => {
    const isUnique = (tasks.get(run.task)?.unique?.by ?? 'key') !== 'key'
    return run.key !== undefined || isUnique ? run : { ...run, key: `${PREFIX}${name}/${index}`, unique: run.unique ?? { while: 'kept' } }
  })
}

/** Requests that were sent with an Idempotency-Key: what each key was used for, durable with what the request has added. */
export class Requests {
  readonly #engine: Pick<Engine, 'keep' | 'kept'>
  readonly #clock: Clock
  /** One request of a name at a time: two that look at the same moment would both be the first. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor ({ engine, clock }: { engine: Pick<Engine, 'keep' | 'kept'>, clock: Clock }) {
    this.#engine = engine
    this.#clock = clock
  }

  /** Does what the request asks; `add` finds what an equal one before it has added. Throws OFFPEAK_IDEMPOTENCY_CONFLICT when the key was used for
   *  another request. */
  async once<T> ({ key, scope, request }: RequestAsk, add: () => Promise<T>): Promise<T> {
    const name = `${PREFIX}${digest([scope, key])}`
    return await this.#inTurn(name, async () => {
      const asked = digest(request)
      const [known] = await this.#engine.kept({ prefix: name })
      if (known === undefined) return await this.#first(name, asked, add)
      if (known.value !== asked) throw idempotencyConflict(key)
      return await add()
    })
  }

  /** Both are asked for at once, so that they are one transaction; a request that is refused may be corrected and sent again with its key. */
  async #first<T> (name: string, asked: string, add: () => Promise<T>): Promise<T> {
    const now = this.#clock.now()
    const [added, kept] = await Promise.allSettled([add(), this.#engine.keep({ name, value: asked, now })])
    if (added.status === 'fulfilled' && kept.status === 'fulfilled') return added.value
    await this.#engine.keep({ name, value: null, now }).catch(() => undefined)
    throw added.status === 'rejected' ? added.reason : (kept as PromiseRejectedResult).reason
  }

  async #inTurn<T> (name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work, work)
    this.#turns.set(name, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name)
    }
  }
}

/** Forgets what keys were used for before an instant, epoch ms: by then the runs are gone too. */
export async function forgetRequests (engine: Pick<Engine, 'keep' | 'kept'>, { before, now }: { before: number, now: number }): Promise<void> {
  for (const digit of HEX) {
    const old = (await engine.kept({ prefix: PREFIX + digit })).filter(({ at }) => at < before)
    for (let start = 0; start < old.length; start += SLICE) {
      await Promise.all(old.slice(start, start + SLICE).map(({ name }) => engine.keep({ name, value: null, now })))
    }
  }
}
