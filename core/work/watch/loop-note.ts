import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { InlineRun, LoopBlock } from '../../model/view/loop-block.ts'

/** What is kept of a loop that stands, for the next start: by then nobody else can tell. `ended`: the process was ended
 *  for it, because it was asked to stop or because the loop had stood too long; null: not by offpeak. */
export interface LoopNote extends LoopBlock {
  owner: string
  ended: 'stop' | 'limit' | null
}

const fileIn = (folder: string) => join(folder, 'loop.json')
const MODE = 0o600

/** Writes it, durably, without the event loop. */
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

/** What the last process has left; null when its loop did not stand at its end, or the file cannot be read. */
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
