import type { Clock } from '../core/model/base/clock.ts'

/** A clock that moves only when a test moves it. `set` moves the wall alone, `sleep` is a machine asleep: the wall goes
 *  on, the counter does not. */
export interface FakeClock extends Clock {
  advance(ms: number): void
  set(at: number | string): void
}

export const START = Date.parse('2026-11-22T12:00:00Z')

export function fakeClock (at: number | string = START): FakeClock {
  let wall = new Date(at).getTime()
  let counted = 0
  return {
    now: () => wall,
    monotonic: () => counted,
    advance: ms => {
      wall += ms
      counted += ms
    },
    set: to => {
      wall = new Date(to).getTime()
    }
  }
}

/** How long a test waits for what must happen, also on a machine that is busy with other things. */
export const LONG_MS = 60_000

/** The pause before a condition is asked again, ms. One that takes longer is asked less often: each question that a
 *  server answers costs it time, and a hundred of them in a second keep it from its work. */
const pauseAfter = (waitedMs: number) => Math.min(100, Math.max(5, waitedMs / 10))

/** Resolves when the condition holds; fails with its name after `withinMs`. */
export async function until (what: string, condition: () => unknown, withinMs = LONG_MS): Promise<void> {
  const begun = performance.now()
  while (!await condition()) {
    const waited = performance.now() - begun
    if (waited > withinMs) throw new Error(`waited ${withinMs} ms in vain until ${what}`)
    await new Promise(resolve => {
      setTimeout(resolve, pauseAfter(waited))
    })
  }
}
