import { codeOf } from '../serve/data-folder.ts'
import { readdir, readFile, stat, statfs, unlink, writeFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import own from '../../../package.json' with { type: 'json' }
import { exec } from '../../sense/source/exec.ts'
import type { ClockFacts, DiskFacts, NodeFacts, ProcessFacts } from './facts.ts'

const PATIENCE_MS = 3000

/** The Node of this process, and the least that offpeak needs. */
export const nodeFacts = (): NodeFacts => ({
  version: process.version,
  needed: Number(/\d+/.exec(own.engines.node)![0])
})

/** What writing a file in a folder shows: why it is not possible, or the time that its file system gave the file less
 *  the clock, ms. */
export async function tryWrite (folder: string): Promise<{ code: string | null, skewMs: number | null }> {
  const file = join(folder, `.doctor-${process.pid}`)
  try {
    const before = Date.now()
    await writeFile(file, 'offpeak doctor\n', { mode: 0o600, flag: 'wx' })
    const { mtimeMs } = await stat(file)
    await unlink(file)
    const after = Date.now()
    const skewMs = mtimeMs < before ? mtimeMs - before : mtimeMs > after ? mtimeMs - after : 0
    return { code: null, skewMs: Math.round(skewMs) }
  } catch (error) {
    return { code: codeOf(error), skewMs: null }
  }
}

/** Whether a time server keeps the clock: null where the system does not tell. */
export async function isSynchronised (): Promise<ClockFacts['synchronised']> {
  const argv = ['timedatectl', 'show', '--property=NTPSynchronized', '--value']
  const answer = await exec({ argv, timeoutMs: PATIENCE_MS }).catch(() => null)
  const word = answer?.code === 0 ? answer.output.trim() : ''
  return word === 'yes' ? true : word === 'no' ? false : null
}

/** The space of the file system of a folder; null if there is no such folder. */
export async function diskFacts (folder: string, reserve: number): Promise<DiskFacts | null> {
  const found = await statfs(folder).catch(() => null)
  return found && {
    folder,
    reserve,
    free: found.bavail * found.bsize,
    total: found.blocks * found.bsize,
    freeFiles: found.ffree,
    totalFiles: found.files,
    kind: found.type
  }
}

/** Memory and open files of a process; null where there is no /proc, or if it belongs to another user. */
export async function processFacts (pid: number): Promise<ProcessFacts | null> {
  try {
    const [status, limits, files] = await Promise.all([readFile(`/proc/${pid}/status`, 'utf8'),
      readFile(`/proc/${pid}/limits`, 'utf8'), readdir(`/proc/${pid}/fd`)])
    const most = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1])
    return {
      pid,
      memory: Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) * 1024,
      total: totalmem(),
      files: files.length,
      mostFiles: most > 0 ? most : null
    }
  } catch {
    return null
  }
}
