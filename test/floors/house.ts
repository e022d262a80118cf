import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, importsOf, productFiles } from '../../docs/pictures/imports.ts'
import type { Import } from '../../docs/pictures/imports.ts'

/** What the rules look at. */
export interface House {
  /** The files of the product, below the root. */
  files: readonly string[]
  /** The files of tests, benchmarks and the scripts of the documentation. */
  others: readonly string[]
  /** All imports of the product, those of packages too. */
  imports: readonly Import[]
  /** The imports of the product's own files. */
  own: readonly Import[]
  text: (file: string) => string
}

/** One rule: what it is called, why it stands and what to do about a finding. `found`: each fault as a sentence. */
export interface Rule {
  name: string
  teaches: string
  found: (house: House) => string[]
}

/** A house of these files and imports; what is not given is empty. */
export function houseOf (parts: Partial<Pick<House, 'files' | 'others' | 'imports' | 'text'>>): House {
  const { files = [], others = [], imports = [], text = () => '' } = parts
  const known = new Set(files)
  return { files, others, imports, own: imports.filter(({ to }) => known.has(to)), text }
}

/** The house as it stands. */
export function standing (): House {
  const files = productFiles()
  const others = globSync('{test,bench,docs,package}/**/*.ts', { cwd: ROOT })
    .filter(file => !/node_modules|fixtures/.test(file))
    .toSorted()
  const texts = new Map([...files, ...others].map(file => [file, readFileSync(join(ROOT, file), 'utf8')]))
  return houseOf({
    files,
    others,
    imports: files.flatMap(file => importsOf(file)),
    text: file => texts.get(file)!
  })
}

/** The most that is looked at of a file: its lines. */
export const linesOf = (text: string): string[] => text.split('\n').slice(0, text.endsWith('\n') ? -1 : undefined)
