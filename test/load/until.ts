import { setTimeout as pause } from 'node:timers/promises'

/** Resolves when the condition holds; rejects when it does not within the bound. */
export async function until (condition: () => boolean | Promise<boolean>, boundMs = 8000): Promise<void> {
  const end = performance.now() + boundMs
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`not within ${boundMs} ms: ${condition}`)
    await pause(10)
  }
}
