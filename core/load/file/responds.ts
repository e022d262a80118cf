import { stat } from 'node:fs/promises'

/** How long a file system may take to answer, ms; long enough for a disk to spin up. */
export const RESPONSE_MS = 5000

/** True if the promise settles within `ms`. The caller handles a rejection. */
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
