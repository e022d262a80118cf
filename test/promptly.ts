import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { until } from './clock.ts'

/** How long programs of this machine have waited for `what` since it was booted, ms; 0 where nobody counts it. */
function waited (what: 'cpu' | 'io'): number {
  try {
    return Number(/^some .*total=(\d+)$/m.exec(readFileSync(`/proc/pressure/${what}`, 'utf8'))![1]) / 1000
  } catch {
    return 0
  }
}

/** Starts a stopwatch that stands still while a program waits for a processor or a disk: other work on the machine does
 *  not count, timers and needless waiting do. Returns its reading, ms. */
export function stopwatch (): () => number {
  const begun = [performance.now(), waited('cpu'), waited('io')] as const
  return () => performance.now() - begun[0] - Math.max(waited('cpu') - begun[1], waited('io') - begun[2])
}

/** Waits until the condition holds; fails when that takes more than `mostMs` of a machine that does nothing else. */
export async function promptly (t: Test, what: string, condition: () => unknown, mostMs = 2000): Promise<void> {
  const elapsed = stopwatch()
  await until(what, condition)
  const ms = elapsed()
  t.ok(ms < mostMs, `${what}, within ${mostMs} ms: ${Math.round(ms)}`)
}
