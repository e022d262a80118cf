import { execFileSync } from './child.ts'
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('engine/fixtures/powercut.c', import.meta.url))

/** Compiles the library that keeps what was synced; null: there is no compiler. */
export function powercutLibrary (folder: string): string | null {
  if (process.platform !== 'linux') return null
  const library = join(folder, 'powercut.so')
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, SOURCE, '-ldl', '-lpthread'], { stdio: 'ignore' })
    return library
  } catch {
    return null
  }
}

/** The environment of a process of which `synced` keeps what it has synced below `folder`. While the file `hold` is
 *  there no sync comes back. */
export function cutEnvironment (
  { library, folder, synced, hold }: { library: string, folder: string, synced: string, hold?: string }
): Record<string, string> {
  mkdirSync(synced, { recursive: true })
  return { LD_PRELOAD: library, PL_WATCH: folder, PL_DIR: synced, ...hold !== undefined && { PL_HOLD: hold } }
}

/** Makes the folder `after` of what a power cut has left of `folder`. Names are taken to be durable: a file that was
 *  removed stays removed. */
export function cutPower ({ folder, synced, after }: { folder: string, synced: string, after: string }): void {
  mkdirSync(after, { recursive: true })
  for (const name of readdirSync(synced)) {
    if (existsSync(join(folder, name))) copyFileSync(join(synced, name), join(after, name))
  }
  writeFileSync(join(after, 'lock.json'), '{}')
}
