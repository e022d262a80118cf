/** What is started and stopped by several users: it opens with the first start and closes with the last stop. */
export interface SharedOpening<T> {
  /** What is open, or null. */
  readonly open: T | null
  /** How many have started it and not stopped it. */
  readonly users: number
  /** Resolves when it is open. Rejects when it cannot be opened: then nothing is, and the next start tries again. */
  start(): Promise<void>
  /** Resolves when it is closed, or at once when others still use it. A start that is under way is waited for. */
  stop(): Promise<void>
}

/** Starts and stops in turn, whoever asks when: starts that come together share one opening, and stops one closing. */
export function createSharedOpening<T> (
  ask: { open: () => T | Promise<T>, close: (opened: T) => Promise<void> }
): SharedOpening<T> {
  let users = 0
  let opened: T | null = null
  let opening: Promise<void> | null = null
  let closing: Promise<void> = Promise.resolve()

  function begin (): Promise<void> {
    const current: Promise<void> = closing.catch(() => undefined).then(ask.open).then(now => {
      opened = now
    }).catch(error => {
      if (opening === current) {
        opening = null
        users = 0
      }
      throw error
    })
    return opening = current
  }

  async function end (): Promise<void> {
    const last = opened
    opened = null
    if (last !== null) await ask.close(last)
  }

  return {
    get open () {
      return opened
    },
    get users () {
      return users
    },
    start () {
      users += 1
      return opening ?? begin()
    },
    stop () {
      users = Math.max(0, users - 1)
      if (users > 0) return Promise.resolve()
      if (opening === null) return closing
      const current = opening
      opening = null
      closing = opened === null ? current.then(end, () => undefined) : end()
      return closing
    }
  }
}
