import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { OWN_TASKS } from './built-in.ts'

const ROOT = resolve(import.meta.dirname, '..')
const CACHE = join(ROOT, 'node_modules/.cache/test')

/** A configuration of the compiler for the product alone: a user's own task files are left out. */
function compilerConfig (): string {
  mkdirSync(CACHE, { recursive: true })
  const file = join(CACHE, 'tsconfig.json')
  const include = ['core', 'plugins', 'test', 'bench', 'package', ...OWN_TASKS].map(name => join(ROOT, name))
  const compilerOptions = { typeRoots: [join(ROOT, 'node_modules/@types')] }
  const exclude = ['test/fixtures', 'bench/node_modules'].map(name => join(ROOT, name))
  writeFileSync(file, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include, exclude }))
  return file
}

/** The checks that read the sources, each as a command and its words. */
export const STATIC: Record<'types' | 'lint', [string, ...string[]]> = {
  types: ['tsc', '-p', compilerConfig()],
  lint: ['oxlint', '--deny-warnings', 'bin', 'core', 'plugins', 'docs', 'test', 'bench', 'package', ...OWN_TASKS]
}
