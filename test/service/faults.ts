type Call = (...args: unknown[]) => unknown

/** The parts that a service is given. What a start reads of them and calls is counted, and any one of these steps can
 *  be made to fail. */
export class Faults {
  #left = Infinity
  #hasFailed = false
  readonly #subscriptions = new Set<object>()

  /** The number of listeners that were added to the parts and not removed. */
  get subscriptions (): number {
    return this.#subscriptions.size
  }

  /** Whether the step that was to fail has been taken. */
  get hasFailed (): boolean {
    return this.#hasFailed
  }

  /** Makes one step from now on fail, by default the first, until the returned function is called. */
  fail (step = 1): () => void {
    this.#left = step
    this.#hasFailed = false
    return () => {
      this.#left = Infinity
    }
  }

  /** The part: to read a value of it is a step, and so is to call one of its functions. */
  part<T extends object> (part: T): T {
    return new Proxy(part, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value === 'function') return this.#call(value.bind(target) as Call, String(key))
        this.#step(String(key))
        return value
      }
    })
  }

  #call (call: Call, name: string): Call {
    return (...args) => {
      this.#step(name)
      const answer = call(...args)
      if (!/^on[A-Z]/.test(name) || typeof answer !== 'function') return answer
      const one = {}
      this.#subscriptions.add(one)
      return () => {
        this.#subscriptions.delete(one)
        ;(answer as Call)()
      }
    }
  }

  #step (name: string): void {
    this.#left -= 1
    if (this.#left !== 0) return
    this.#hasFailed = true
    throw new Error(`${name} is broken on purpose`)
  }
}
