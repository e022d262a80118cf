import { shown } from '../_files/names.ts'
import { unreadIn } from './manifest.ts'
import type { Manifest } from './manifest.ts'

const SHOWN = 100
const NAMED = 3

/** A part of a warning: the number, what is wrong, and the first paths. */
function part (paths: string[], what: string): string[] {
  if (paths.length === 0) return []
  const more = paths.length > NAMED ? ', …' : ''
  return [`${paths.length} ${what} (${paths.slice(0, NAMED).join(', ')}${more})`]
}

/** `warning`: what is missing in a backup, in a sentence, or null. `lists`: the same as lists of up to a hundred
 *  paths. */
export function summary (manifest: Manifest): { warning: string | null, lists: object } {
  const unread = unreadIn(manifest).map(({ path, why }) => `${shown(path)}: ${why}`)
  const special = manifest.passed_over.filter(({ why }) => why === 'special').map(({ path }) => shown(path))
  const damaged = manifest.files.filter(file => file.damaged !== undefined).map(({ path, damaged: why }) =>
    `${shown(path)}: ${why}`
  )
  const changed = manifest.files.filter(file => file.changed).map(({ path }) => shown(path))
  const parts = [
    ...part(unread, 'files or folders could not be read and are not in the backup'),
    ...part(damaged, 'files could be read only in part'),
    ...part(changed, 'files changed while they were read'),
    ...part(special, 'pipes, sockets or devices are not in the backup')
  ]
  const lists = {
    passed_over: manifest.passed_over.slice(0, SHOWN).map(({ path, why }) => ({ path: shown(path), why })),
    passed_over_count: manifest.passed_over.length,
    changed: changed.slice(0, SHOWN),
    damaged: damaged.slice(0, SHOWN)
  }
  return { warning: parts.length === 0 ? null : parts.join('; '), lists }
}
