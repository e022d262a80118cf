import { mostUsage } from '../../../model/run/usage.ts'
import type { Usage } from '../../../model/run/usage.ts'

/** The first and the longest interval between two measurements, ms. The interval doubles. */
const FIRST = 50
const LONGEST = 1000
/** The longest interval for work with a memory limit, ms: memory can grow quickly. */
const LONGEST_BOUNDED = 200

export interface Meter {
  /** Measures now, in addition to the regular measurements. */
  look(): Promise<void>
  /** Stops measuring. Returns the highest usage measured, or null. */
  end(): Usage | null
}

/** A memory limit. `seen`: the bytes in a measurement; `held`: the exact bytes that the work holds, called when `seen`
 *  exceeds the limit; `over`: called once, when `held` exceeds it too. */
export interface MemoryBound {
  bytes: number
  seen: (used: Usage) => number
  held: () => number | null | Promise<number | null>
  over: (bytes: number) => void
}

/** Measures repeatedly the usage of work that may be ended before it can report it, and checks its memory limit. It
 *  uses the timers of the process, even when runs have a simulated clock, because work executed elsewhere takes real
 *  time. */
export function metered (ask: () => Usage | null | Promise<Usage | null>, bound: MemoryBound | null = null): Meter {
  let most: Usage | null = null
  let timer: NodeJS.Timeout | undefined
  let ended = false
  let isOver = false
  const check = async (used: Usage | null) => {
    if (bound === null || used === null || isOver || bound.seen(used) <= bound.bytes) return
    const held = await bound.held() ?? 0
    if (ended || isOver || held <= bound.bytes) return
    isOver = true
    bound.over(held)
  }
  const look = async () => {
    const used = await ask()
    most = mostUsage(most, used)
    await check(used)
  }
  const longest = bound === null ? LONGEST : LONGEST_BOUNDED
  const wait = (ms: number) => {
    if (ended) return
    timer = setTimeout(() => void look().catch(() => undefined).finally(() => wait(Math.min(2 * ms, longest))), ms)
      .unref()
  }
  wait(FIRST)
  return {
    look,
    end: () => {
      ended = true
      clearTimeout(timer)
      return most
    }
  }
}
