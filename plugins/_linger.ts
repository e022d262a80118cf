import type { IncomingMessage } from 'node:http'

const LINGER_MS = 2000

/** Throws away for a moment what is still on its way: cut off at once, the other side would not hear why. */
export function linger (raw: IncomingMessage): void {
  const timer = setTimeout(() => raw.destroy(), LINGER_MS).unref()
  raw.resume().once('close', () => clearTimeout(timer))
}
