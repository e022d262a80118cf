import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { execFileSync } from './child.ts'

/** A mounted disk of a size such as `64k`, gone at teardown; null where mounting is not allowed. */
export function smallDisk (t: Test, size: string): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    rmSync(folder, { recursive: true })
    return null
  }
  t.teardown(() => {
    execFileSync('umount', [folder])
    rmSync(folder, { recursive: true })
  })
  return folder
}
