import { mostOf } from '../../model/run/used.ts'
import type { Used } from '../../model/run/used.ts'

/** Between two looks, ms: what is short is looked at early, what is long now and then. */
const FIRST = 50
const LONGEST = 1000

export interface Meter {
  /** Looks now, beside the looks that come by themselves. */
  look (): Promise<void>
  /** Looks no more; the most that was seen, or null when nothing was. */
  end (): Used | null
}

/** Looks again and again at what work has taken that may be ended before it can tell. The looks go by the timers of the process, whatever
 *  clock the runs go by: what is executed elsewhere takes real time. */
export function metered (ask: () => Used | null | Promise<Used | null>): Meter {
  let most: Used | null = null
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const look = async () => {
    most = mostOf(most, await ask())
  }
  const wait = (ms: number) => {
    if (ended) return
    timer = setTimeout(() => void look().finally(() => wait(Math.min(2 * ms, LONGEST))), ms).unref()
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
