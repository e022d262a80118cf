import { stat } from 'node:fs/promises'

/** How long a file system may take to answer, ms: a disk that spins up does within that. */
export const RESPONSE_MS = 5000

/** True when the promise settles within this many ms. A rejection is left to the caller. */
export async function isWithin (ms: number, waited: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, ms, false)
  })
  const there = await Promise.race([waited.then(() => true, () => true), late])
  clearTimeout(timer)
  return there
}

/** False when the file system of a path does not respond; true also for a path that does not exist. */
export const responds = (path: string, ms = RESPONSE_MS): Promise<boolean> => isWithin(ms, stat(path))
