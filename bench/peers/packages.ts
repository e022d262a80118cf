import { spawnSync } from '../../test/child.ts'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

const FOLDER = join(import.meta.dirname, '..')

interface Manifest {
  version?: string
  optionalDependencies?: Record<string, string>
}
const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** The peers by name, each with the version that is pinned. */
export const pinned = (): Record<string, string> => manifest(FOLDER).optionalDependencies ?? {}

const folderOf = (name: string) => join(FOLDER, 'node_modules', name)

/** The version that is installed, or null. */
export const versionOf = (name: string): string | null =>
  existsSync(join(folderOf(name), 'package.json')) ? manifest(folderOf(name)).version ?? null : null

/** Installs the pinned peers beside the bench unless they are installed; leaves out those that npm cannot install. */
export function install (): void {
  const missing = Object.entries(pinned()).filter(([name, version]) => versionOf(name) !== version)
  if (missing.length === 0) return
  console.error(`installing ${missing.map(([name]) => name).join(', ')} into bench/node_modules`)
  const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) }
  spawnSync('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32'
  })
}

/** Why these packages cannot be used, or null. */
export function lacking (names: readonly string[]): string | null {
  const missing = names.find(name => versionOf(name) === null)
  return missing === undefined ? null : `npm could not install ${missing} ${pinned()[missing]}`
}

/** A package of the bench's own folder. The name is a variable, so that nothing is looked for before it is
 *  installed. */
export const load = async <T>(name: string): Promise<T> => await import(name) as T
