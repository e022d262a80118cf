import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { execFile } from '../child.ts'
import { isUsers } from '../built-in.ts'
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

/** The environment without what tap puts into every process: the compiler does not start under it. */
const { NODE_OPTIONS: _, ...ENV } = process.env

/** Runs a program, and resolves to what it printed on standard output. */
export async function said (program: string, args: readonly string[], cwd: string): Promise<string> {
  const options = { cwd, env: ENV, maxBuffer: 1 << 26, shell: process.platform === 'win32' }
  return (await promisify(execFile)(program, args, options)).stdout
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
  const [found] = JSON.parse(await said('npm', ['pack', '--json', '--silent'], root)) as [{
    filename: string
    files: { path: string }[]
    unpackedSize: number
  }]
  const { filename, files, unpackedSize } = found
  return { tarball: join(root, filename), files: files.map(({ path }) => path), unpackedSize, checkout: root }
}

interface Locked {
  packages: Record<string, { dev?: boolean, optional?: boolean }>
}

const LOCK = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Locked

/** The packages that a user installs with offpeak, as paths such as `node_modules/fastify`. */
export const SHIPPED: readonly string[] = globSync(
  Object.entries(LOCK.packages).filter(([path, { dev }]) => path !== '' && dev !== true).map(([path]) => path),
  {
    cwd: ROOT
  }
)

/** An app in a folder of its own with the tarball and the packages of the lock file, as `npm install` lays them out,
 *  but without the registry. */
export async function installed (t: Test, { tarball }: Packed): Promise<string> {
  const app = scratch(t)
  const target = join(app, 'node_modules/offpeak')
  mkdirSync(target, { recursive: true })
  await said('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'], app)
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
