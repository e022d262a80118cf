import { execFileSync } from './child.ts'
import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')

/** A file of declarations: what it declares, and where the names that it imports are declared. */
interface Declared {
  own: Map<string, { text: string }>
  imported: Map<string, { file: string, name: string }>
}

const OPTIONS = '--ignoreConfig --declaration --emitDeclarationOnly --stripInternal --strict --skipLibCheck ' +
  '--target esnext --module nodenext --lib esnext,esnext.temporal --types node ' +
  '--allowImportingTsExtensions --resolveJsonModule'

const IMPORT = /^(?:import|export)(?: type)? \{([^}]*)\} from '([^']+)';/gm
const START = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|let|function|enum) (\w+)/

/** Writes the declarations of core/index.ts and all that it imports to a folder, members marked `@internal` left
 *  out. */
export function emit (folder: string): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const options = `${OPTIONS} --rootDir ${ROOT} --outDir ${folder}`.split(' ')
  // The compiler does not start under the hooks that tap gives to every process.
  execFileSync('env', ['-u', 'NODE_OPTIONS', process.execPath, tsc, ...options, 'core/index.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit']
  })
}

/** The text without strings, and without `typeof` of values. */
const bare = (text: string) => text.replaceAll(/'(?:[^'\\]|\\.)*'/g, "''").replaceAll(/\btypeof \w+/g, '')

const namesIn = (text: string) => new Set(bare(text).match(/\b[A-Z]\w*\b/g) ?? [])

/** Divides the text of a file of declarations at the lines that begin one. */
function declarations (text: string): Map<string, { text: string }> {
  const own = new Map<string, { text: string }>()
  let name = ''
  for (const line of text.replaceAll(/\/\*[^]*?\*\//g, '').split('\n')) {
    name = START.exec(line)?.[1] ?? (/^(?:import|export \{|export type \{)/.test(line) ? '' : name)
    if (name !== '') own.set(name, { text: `${own.get(name)?.text ?? ''}${line}\n` })
  }
  return own
}

function parse (folder: string, file: string): Declared {
  const text = readFileSync(join(folder, file), 'utf8')
  const imported = new Map<string, { file: string, name: string }>()
  for (const [, list, from] of text.matchAll(IMPORT)) {
    if (!from!.startsWith('.')) continue
    const source = relative(folder, resolve(folder, dirname(file), from!.replace(/\.ts$/, '.d.ts')))
    for (const part of list!.split(',').map(one => one.trim().replace(/^type /, '')).filter(Boolean)) {
      const [name, alias = name] = part.split(' as ')
      imported.set(alias!, { file: source, name: name! })
    }
  }
  return { own: declarations(text), imported }
}

export interface Place {
  file: string
  name: string
}

const keyOf = ({ file, name }: Place) => `${name}@${file}`

/** The public signatures, as declarations in a folder. */
export class Signatures {
  readonly #folder: string
  readonly #files = new Map<string, Declared>()
  /** What core/index.ts exports, by the name that it exports it under. */
  readonly exported: ReadonlyMap<string, Place>
  readonly #types: ReadonlySet<string>

  constructor (folder: string) {
    this.#folder = folder
    const { imported } = this.#read('core/index.d.ts')
    this.exported = new Map([...imported].map(([name, place]) => [name, this.#declared(place)]))
    const text = readFileSync(join(ROOT, 'core/index.ts'), 'utf8')
    this.#types = new Set(
      [...text.matchAll(/^export type \{([^}]*)\}/gm)].flatMap(([, list]) => list!.match(/\w+/g) ?? [])
    )
  }

  /** The types that the signatures of these exports name, those of the types that they name included. Each with the
   *  declaration that names it. */
  reached (names: Iterable<string>): Map<string, string> {
    const found = new Map<string, string>()
    const next = [...names].map(name => ({ place: this.exported.get(name)!, isType: this.#types.has(name) }))
    for (const { place, isType } of next) {
      for (const target of this.#named(place, isType)) {
        if (found.has(keyOf(target))) continue
        found.set(keyOf(target), keyOf(place))
        next.push({ place: target, isType: true })
      }
    }
    return found
  }

  /** The types that are reached from an export and not exported. */
  missing (): string[] {
    const known = new Set([...this.exported.values()].map(keyOf))
    return [...this.reached(this.exported.keys())]
      .filter(([type]) => !known.has(type))
      .map(([type, by]) => `${type}, named by ${by}`)
  }

  /** The exports that are neither among the used nor reached from them. */
  unused (used: readonly string[]): string[] {
    const reached = this.reached(used.filter(name => this.exported.has(name)))
    return [...this.exported].filter(([name, place]) => !used.includes(name) && !reached.has(keyOf(place)))
      .map(([name]) => name)
  }

  /** The types that one declaration names. The arguments of a class that is exported as a type are left out: nobody
   *  outside constructs it. */
  #named (place: Place, isType: boolean): Place[] {
    const { own, imported } = this.#read(place.file)
    const text = own.get(place.name)?.text ?? ''
    const shown = isType ? text.replaceAll(/^ +constructor\([^]*?\);\n/gm, '') : text
    return [...namesIn(shown)]
      .filter(name => name !== place.name && (own.has(name) || imported.has(name)))
      .map(name => this.#declared(own.has(name) ? { file: place.file, name } : imported.get(name)!))
      .filter(({ file, name }) => this.#read(file).own.has(name))
  }

  /** Where something is declared that a file may export again. */
  #declared (place: Place): Place {
    const { own, imported } = this.#read(place.file)
    const next = imported.get(place.name)
    return own.has(place.name) || next === undefined ? place : this.#declared(next)
  }

  #read (file: string): Declared {
    const known = this.#files.get(file) ?? parse(this.#folder, file)
    this.#files.set(file, known)
    return known
  }
}
