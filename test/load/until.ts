import { setTimeout as pause } from 'node:timers/promises'
import { LONG_MS } from '../clock.ts'

/** Resolves when the condition holds; rejects when it does not within the bound. */
export async function until (condition: () => boolean | Promise<boolean>, boundMs = LONG_MS): Promise<void> {
  const end = performance.now() + boundMs
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`not within ${boundMs} ms: ${condition}`)
    await pause(10)
  }
}
