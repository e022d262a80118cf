/** A service that is started and stopped. A second `start` returns the promise of the first; `stop` during a start
 *  waits for it and then stops; `stop` of a stopped service resolves; `start` after `stop` works. A failed start leaves
 *  nothing running. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}

/** The actions of a service. `stop` also undoes a start that failed half-way. */
interface Phases {
  start: () => Promise<void> | void
  stop: () => Promise<void> | void
}

export type ServiceState = 'stopped' | 'starting' | 'started' | 'stopping'

const ended = (promise: Promise<void>): Promise<boolean> => promise.then(() => true, () => false)

/** Runs starts and stops one after another, for calls in any order. */
export class Lifecycle implements Service {
  readonly #phases: Phases
  #state: ServiceState = 'stopped'
  /** The last start, until `stop` is called. */
  #starting: Promise<void> | null = null
  /** The stop in progress. */
  #stopping: Promise<void> | null = null

  constructor (phases: Phases) {
    this.#phases = phases
  }

  /** A start that waits for a stop to end is `stopping`, then `starting`: never `stopped`. */
  get state (): ServiceState {
    return this.#state === 'stopped' && this.#starting !== null ? 'starting' : this.#state
  }

  start (): Promise<void> {
    if (this.#starting !== null) return this.#starting
    const starting = this.#starting = this.#start(this.#stopping)
    starting.catch(() => {
      if (this.#starting === starting) this.#starting = null
    })
    return starting
  }

  stop (): Promise<void> {
    if (this.#starting === null) return this.#stopping ?? Promise.resolve()
    const stopping = this.#stopping = this.#stop(this.#starting)
    this.#starting = null
    const over = () => {
      if (this.#stopping === stopping) this.#stopping = null
    }
    stopping.then(over, over)
    return stopping
  }

  async #start (earlier: Promise<void> | null): Promise<void> {
    if (earlier !== null) await ended(earlier)
    this.#state = 'starting'
    try {
      await this.#phases.start()
      this.#state = 'started'
    } catch (error) {
      await this.#undo()
      throw error
    }
  }

  /** The error of the start is the one to report. */
  async #undo (): Promise<void> {
    this.#state = 'stopping'
    try {
      await this.#phases.stop()
    } catch {}
    this.#state = 'stopped'
  }

  async #stop (starting: Promise<void>): Promise<void> {
    if (this.#state === 'started') this.#state = 'stopping'
    // A failed start has already been undone.
    if (!await ended(starting)) return
    this.#state = 'stopping'
    try {
      await this.#phases.stop()
    } finally {
      this.#state = 'stopped'
    }
  }
}

/** The service for one of its users: the service counts starts, and repeated stops of one user count once. */
export function shared (service: Service): Service {
  let holds = false
  return new Lifecycle({
    start: async () => {
      await service.start()
      holds = true
    },
    stop: async () => {
      if (!holds) return
      holds = false
      await service.stop()
    }
  })
}

/** Starts in order; when one fails, those already started are stopped and the error is thrown. */
export async function startAll (services: readonly Service[]): Promise<void> {
  for (const [index, service] of services.entries()) {
    try {
      await service.start()
    } catch (error) {
      await stopAll(services.slice(0, index)).catch(() => undefined)
      throw error
    }
  }
}

/** Stops in reverse order; every one is stopped, then the first error is thrown. */
export async function stopAll (services: readonly Service[]): Promise<void> {
  const errors: unknown[] = []
  for (const service of services.toReversed()) {
    await service.stop().catch(error => errors.push(error))
  }
  if (errors.length > 0) throw errors[0]
}
