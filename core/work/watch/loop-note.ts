import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { InlineRun, LoopBlock } from '../../model/view/loop-block.ts'

/** The report of a blocked event loop, which the next start reads. `ended`: why the watcher ended the process: `stop`:
 *  it was asked to stop, `limit`: the loop was blocked for too long; null: it did not. */
export interface LoopNote extends LoopBlock {
  owner: string
  ended: 'stop' | 'limit' | null
}

const fileIn = (folder: string) => join(folder, 'loop.json')
const MODE = 0o600

/** Writes the note durably, with synchronous calls. */
export function writeNote (folder: string, note: LoopNote): void {
  const fresh = join(folder, '.loop.json.tmp')
  rmSync(fresh, { force: true })
  const fd = openSync(fresh, 'wx', MODE)
  try {
    writeSync(fd, `${JSON.stringify(note)}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(fresh, fileIn(folder))
}

export const removeNote = (folder: string): void => rmSync(fileIn(folder), { force: true })

const isInline = (one: unknown): one is InlineRun =>
  typeof (one as InlineRun | null)?.id === 'string' && typeof (one as InlineRun).task === 'string'

/** The note of the last process; null when its loop was not blocked at its end, or when the file cannot be read. */
export function readNote (folder: string): LoopNote | null {
  try {
    const { owner, ms, runs, exact, where, ended } = JSON.parse(readFileSync(fileIn(folder), 'utf8')) as Partial<
      LoopNote
    >
    if (typeof owner !== 'string' || typeof ms !== 'number' || !Array.isArray(runs) || !runs.every(isInline)) {
      return null
    }
    return {
      owner,
      ms,
      runs,
      exact: exact === true,
      where: typeof where === 'string' ? where : null,
      ended: ended === 'stop' || ended === 'limit' ? ended : null
    }
  } catch {
    return null
  }
}
