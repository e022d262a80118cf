import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { VERSION } from '../../version.ts'

function isProduct (folder: string): boolean {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown }).name === 'offpeak'
  } catch {
    return false
  }
}

/** The folder of the package offpeak that this code belongs to: a clone, or an installed package. */
export function productFolder (from = import.meta.dirname): string {
  for (let at = from; dirname(at) !== at; at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) && isProduct(at)) return at
  }
  return from
}

/** What npm has noted about the packages beside an installed one; null where it notes nothing, as for global ones. */
function installedFrom (folder: string): { resolved?: string } | null {
  try {
    const { packages } = JSON.parse(readFileSync(join(dirname(folder), '.package-lock.json'), 'utf8')) as {
      packages: Record<string, { resolved?: string }>
    }
    return packages['node_modules/offpeak'] ?? {}
  } catch {
    return null
  }
}

/** What package.json says of the dependency: the version of a package from a registry, or the file or folder that this
 *  offpeak comes from. A version that no registry has sent may be missing there, or be the package of another. */
export function dependencyOn (folder = productFolder()): string {
  if (!folder.includes(`${sep}node_modules${sep}`)) return `file:${folder}`
  const { resolved = '' } = installedFrom(folder) ?? {}
  if (/^https?:/.test(resolved)) return `^${VERSION}`
  const above = dirname(dirname(folder))
  const tarball = resolved.startsWith('file:') ? resolve(above, resolved.slice('file:'.length)) : null
  return `file:${tarball !== null && existsSync(tarball) ? tarball : folder}`
}

/** How the reader starts this program. */
export const programName = (env = process.env): string => env.npm_command === 'exec' ? 'npx offpeak' : 'offpeak'
