import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { BUILT_IN, OWN_TASKS, SHARED } from '../test/built-in.ts'
import { copyPackages } from './copied.ts'
import type { Manifest } from './manifest.ts'

const RELATIVE = /((?:\bfrom|\bimport\()\s*['"])(\.[^'"]+)\.ts(['"])/g

/** Compiles the product, without tests and without a user's own task files. */
function compile (root: string, dist: string): void {
  const config = join(dist, 'tsconfig.json')
  mkdirSync(dist, { recursive: true })
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: root,
    outDir: dist,
    typeRoots: [join(root, 'node_modules/@types')]
  }
  const include = ['core', 'plugins', ...OWN_TASKS].map(name => join(root, name))
  writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include, exclude: [] }))
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config], { stdio: 'inherit' })
  rmSync(config)
}

/** The declarations that an entry needs: its own, and those that these import in turn. */
function reached (file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  for (const [, , name] of readFileSync(file, 'utf8').matchAll(RELATIVE)) {
    reached(resolve(dirname(file), `${name}.d.ts`), found)
  }
  return found
}

/** Keeps the declarations that the entries need. */
function trimDeclarations (dist: string, entries: readonly string[]): void {
  const needed = new Set<string>()
  for (const entry of entries) reached(join(dist, entry.replace(/\.ts$/, '.d.ts')), needed)
  for (const name of globSync('**/*.d.ts', { cwd: dist })) {
    const file = join(dist, name)
    if (!needed.has(file)) rmSync(file)
    else writeFileSync(file, readFileSync(file, 'utf8').replaceAll(RELATIVE, '$1$2.js$3'))
  }
}

/** Copies the built-in tasks that are scripts; they stay executable. */
function copyScripts (root: string, dist: string): void {
  for (const name of BUILT_IN.filter(one => !one.endsWith('.ts'))) {
    const from = join(root, 'backgroundtask', name)
    const to = join(dist, 'backgroundtask', name)
    copyFileSync(from, to)
    chmodSync(to, statSync(from).mode & 0o755)
  }
}

/** Copies the sources of the built-in tasks, which `offpeak eject` copies into the folder of a user. */
function copySources (root: string, dist: string): void {
  const names = [...BUILT_IN,
    ...SHARED.flatMap(folder => globSync(`${folder}/*.ts`, { cwd: join(root, 'backgroundtask') }))]
  for (const name of names) {
    const to = join(dist, 'source', name)
    mkdirSync(dirname(to), { recursive: true })
    copyFileSync(join(root, 'backgroundtask', name), to)
  }
}

/** Writes `dist/`: the compiled product, laid out as its sources are. */
export function build (root: string, { version, engines, exports }: Manifest): void {
  const dist = join(root, 'dist')
  rmSync(dist, { recursive: true, force: true })
  compile(root, dist)
  trimDeclarations(dist, Object.values(exports).filter(entry => entry.endsWith('.ts')))
  copyScripts(root, dist)
  copySources(root, dist)
  copyPackages(root, dist)
  // The compiler has copied the whole of it for the version and the engines.
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ version, engines, type: 'module' })}\n`)
}
