import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
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

/** What package.json says of the dependency: a version of the installed package, or the folder of the clone. */
export function dependencyOn (folder = productFolder()): string {
  return folder.includes(`${sep}node_modules${sep}`) ? `^${VERSION}` : `file:${folder}`
}

/** How the reader starts this program. */
export const programName = (env = process.env): string => env.npm_command === 'exec' ? 'npx offpeak' : 'offpeak'
