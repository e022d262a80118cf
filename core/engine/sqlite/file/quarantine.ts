import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'

const FILES = ['offpeak.db', 'offpeak.db-wal', 'offpeak.db-shm']

function copyKept (folder: string, kept: string): boolean {
  const [now, then] = [folder, kept].map(place => statSync(join(place, 'offpeak.db'), { throwIfNoEntry: false }))
  return now !== undefined && then !== undefined && now.size === then.size &&
    Math.floor(now.mtimeMs / 1000) === Math.floor(then.mtimeMs / 1000)
}

/** Copies the damaged files to `corrupt-<time>/` in the same folder and returns its path. Deletes nothing. The same
 *  damage is copied only once. */
export function quarantine (folder: string, now: number): string {
  const known = readdirSync(folder).filter(name => name.startsWith('corrupt-')).map(name => join(folder, name))
  const same = known.find(place => copyKept(folder, place))
  if (same) return same
  const place = join(folder, `corrupt-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`)
  mkdirSync(place, { recursive: true, mode: 0o700 })
  for (const name of FILES) {
    const from = join(folder, name)
    if (!existsSync(from)) continue
    copyFileSync(from, join(place, name))
    const { atime, mtime } = statSync(from)
    utimesSync(join(place, name), atime, mtime)
  }
  return place
}
