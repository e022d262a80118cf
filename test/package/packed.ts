import { cpSync, existsSync, globSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { execFile } from '../child.ts'
import { isUsers } from '../built-in.ts'
import { publishedManifest } from '../../package/manifest.ts'
import { scratch } from '../work/harness.ts'

export const ROOT = resolve(import.meta.dirname, '../..')
const FOLDERS = '{bin,core,plugins,backgroundtask,package,test}/**/*'
const FILES = ['package.json', 'tsconfig.json', 'config.json', 'config.schema.json', 'README.md', 'LICENSE',
  'CHANGELOG.md']
/** What a user may have put into a clone. */
const USERS = ['backgroundtask/mine.ts', 'backgroundtask/_files.ts', 'data/token', 'notes.txt']

export interface Packed {
  /** The tarball. */
  tarball: string
  /** The files in it. */
  files: readonly string[]
  /** The bytes of these files. */
  unpackedSize: number
  /** The checkout that it was made of. */
  checkout: string
}

/** Runs a program, and resolves to what it printed on standard output. It runs without the hooks that tap gives to
 *  every process: the compiler does not start under them. */
export async function outputOf (program: string, args: readonly string[], cwd: string): Promise<string> {
  const options = { cwd, maxBuffer: 1 << 26 }
  return (await promisify(execFile)('env', ['-u', 'NODE_OPTIONS', program, ...args], options)).stdout
}

/** A copy of the checkout with files of a user; packages are those of this one. */
function checkout (t: Test): string {
  const root = scratch(t)
  const found = globSync([FOLDERS, ...FILES], { cwd: ROOT, withFileTypes: true }).filter(entry => entry.isFile())
  const names = found.map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)))
  for (const name of names.filter(one => !isUsers(one))) cpSync(join(ROOT, name), join(root, name))
  for (const name of USERS) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), 'this is not for others\n')
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  return root
}

/** Runs `npm pack` in a copy of the checkout. */
export async function pack (t: Test): Promise<Packed> {
  const root = checkout(t)
  const [found] = JSON.parse(await outputOf('npm', ['pack', '--json', '--silent'], root)) as [{
    filename: string
    files: { path: string }[]
    unpackedSize: number
  }]
  const { filename, files, unpackedSize } = found
  return { tarball: join(root, filename), files: files.map(({ path }) => path), unpackedSize, checkout: root }
}

interface Locked {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const read = <T>(name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8')) as T
const LOCK = read<{ packages: Record<string, Locked> }>('package-lock.json').packages

/** Where Node finds a package from inside another one; packages for other machines are not there. */
function placeOf (name: string, from: string): string | undefined {
  const folders = from.split('/node_modules/').map((_, depth, all) => all.slice(0, all.length - depth))
  const places = [...folders.map(parts => `${parts.join('/node_modules/')}/node_modules/${name}`),
    `node_modules/${name}`]
  return places.find(place => place in LOCK && existsSync(join(ROOT, place)))
}

/** A package and those that it needs, as paths such as `node_modules/fastify`. */
function withNeeded (path: string, found: Set<string>): Set<string> {
  if (found.has(path)) return found
  found.add(path)
  const { dependencies, optionalDependencies } = LOCK[path]!
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const place = placeOf(name, path)
    if (place !== undefined) withNeeded(place, found)
  }
  return found
}

/** The packages that a user installs with offpeak, without offpeak itself. */
export const SHIPPED: ReadonlySet<string> = Object.keys(publishedManifest(read('package.json')).dependencies).reduce(
  (found, name) => withNeeded(`node_modules/${name}`, found),
  new Set<string>()
)

/** The bytes of the files of a folder, without packages below it. */
export const bytesOf = (folder: string): number =>
  globSync('**/*', { cwd: folder, withFileTypes: true, exclude: entry => entry.name === 'node_modules' })
    .filter(entry => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)

/** An app in a folder of its own with the tarball and the packages of the lock file, as `npm install` lays them out,
 *  but without the registry. */
export async function installed (t: Test, { tarball }: Packed): Promise<string> {
  const app = scratch(t)
  const target = join(app, 'node_modules/offpeak')
  mkdirSync(target, { recursive: true })
  await outputOf('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'], app)
  for (const path of SHIPPED) {
    const own = join(ROOT, path)
    cpSync(own, join(app, path), {
      recursive: true,
      filter: from => relative(own, from).split('/')[0] !== 'node_modules'
    })
  }
  const dependencies = { offpeak: '*', fastify: '5.x' }
  writeFileSync(join(app, 'package.json'),
    JSON.stringify({ name: 'app', version: '1.0.0', type: 'module', dependencies }))
  return app
}
