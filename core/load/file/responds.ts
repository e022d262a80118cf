import { stat } from 'node:fs/promises'

/** How long a file system may take to answer, ms: a disk that spins up does within that. */
export const RESPONSE_MS = 5000

/** True when it was there within so many ms, whatever came of it; what fails is left to whoever waits for it. */
export async function isWithin (ms: number, waited: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, ms, false)
  })
  const there = await Promise.race([waited.then(() => true, () => true), late])
  clearTimeout(timer)
  return there
}

/** False when the file system of a path does not say anything, not even that the path does not exist. */
export const responds = (path: string, ms = RESPONSE_MS): Promise<boolean> => isWithin(ms, stat(path))
