import { mostUsage } from '../../../model/run/usage.ts'
import type { Usage } from '../../../model/run/usage.ts'

/** Between two looks, ms: what is short is looked at early, what is long now and then. */
const FIRST = 50
const LONGEST = 1000
/** What may not hold more than so much is looked at more often: memory is taken quickly. */
const LONGEST_BOUNDED = 200

export interface Meter {
  /** Looks now, beside the looks that come by themselves. */
  look(): Promise<void>
  /** Looks no more; the most that was seen, or null when nothing was. */
  end(): Usage | null
}

/** `held`: the bytes that the work holds, asked for when what was seen is more than the limit; `over` is called
 *  once. */
export interface MemoryBound {
  bytes: number
  seen: (used: Usage) => number
  held: () => number | null | Promise<number | null>
  over: (bytes: number) => void
}

/** Looks again and again at what work has taken that may be ended before it can report it, and at what it holds. The
 *  looks go by the timers of the process, whatever clock the runs go by: what is executed elsewhere takes real time. */
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
