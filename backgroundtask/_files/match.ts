import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import type { Folder } from './folder.ts'
import { MOST_BRANCHES, branchesOf, nameFits, pathFits, segmentOf } from './glob.ts'
import type { Segment } from './glob.ts'
import { isRaw, shown } from './names.ts'
import { expandPath } from './path.ts'
import { PathRefused } from './root.ts'

/** A pattern that is refused; the message says why. */
export class PatternRefused extends Error {
  override readonly name = 'PatternRefused'
}

/** `below`: the path of the folder itself, which the segments include. */
interface Rule {
  segments: Segment[]
  folders: boolean
  below?: readonly string[]
}

/** True for an excluded path. Paths are relative, with `/`. Everything below an excluded path is excluded. */
export type Excluded = (path: string, kind: 'folder' | 'other') => boolean

interface Reading {
  fold: (text: string) => string
  roots: readonly string[]
  home: string
}

// The same text may be stored composed or decomposed.
const plain = (text: string) => text.normalize('NFC')
const folded = (text: string) => text.normalize('NFC').toLowerCase()

function branches (pattern: string): string[] {
  const all = branchesOf(pattern)
  if (all === null) throw new PatternRefused(`'${shown(pattern)}' expands to more than ${MOST_BRANCHES} patterns`)
  return all
}

/** Throws for a pattern that is not supported or has no effect. */
function checkPattern (pattern: string): void {
  const refuse = (why: string) => {
    throw new PatternRefused(`'${shown(pattern)}' ${why}`)
  }
  if (/[@+!*?]\([^)]*\|/.test(pattern)) {
    refuse('is an extended glob, which is not supported: write one pattern for each name, or {a,b}')
  }
  // A payload may add exclusions to those of the configuration, but must not undo any.
  if (pattern.startsWith('!')) {
    const literal = `\\${shown(pattern)}`
    refuse(`would undo an exclusion, which is not possible; write '${literal}' for a name that begins with '!'`)
  }
  if (pattern.replaceAll(/[./]/g, '') === '' && !pattern.includes('...')) refuse('matches nothing below the folder')
  if (pattern.split('/').includes('..')) refuse('leads out of the folder')
  const sequence = pattern.match(/\{-?(?:\d+|[A-Za-z])\.\.-?(?:\d+|[A-Za-z])(?:\.\.-?\d+)?\}/)?.[0]
  if (sequence !== undefined) {
    refuse(`has the sequence ${sequence}, which is not supported: write {a,b,c} or [a-c]`)
  }
}

/** A name that contains pattern characters also matches itself. */
function literalRules (pattern: string, fold: Reading['fold']): Rule[] {
  if (!/[[\]{}*?\\]/.test(pattern)) return []
  const segments = partsIn(pattern).map(text => ({
    tokens: [...fold(text)].map(one => ({ kind: 'one' as const, text: one })),
    text
  }))
  return [{ folders: pattern.endsWith('/'), segments: anchored(pattern) ? segments : [null, ...segments] }]
}

function rulesOf (pattern: string, { fold, roots, home }: Reading): Rule[] {
  checkPattern(pattern)
  const full = fullPath(pattern, home)
  if (roots.some(root => root === full && root.lastIndexOf('/') > 0)) {
    throw new PatternRefused(`'${shown(pattern)}' is the folder itself, which would exclude everything`)
  }
  const folders = pattern.endsWith('/')
  const inside = roots.filter(root => full?.startsWith(`${root}/`)).flatMap(root =>
    branches(full!.slice(root.length) + (folders ? '/' : ''))
  )
  const rules = [...branches(pattern), ...inside].map(text => ruleOf(text, { fold }))
  // A path with pattern characters in the part above the folder.
  const above = (full === null ? [] : branches(full)).flatMap(text =>
    roots.map(root => ({
      segments: partsIn(text).map(part => segmentOf(fold(part))),
      folders,
      below: partsIn(fold(root))
    }))
  )
  return [...rules, ...above, ...literalRules(pattern, fold)]
}

const partsIn = (text: string) => text.split('/').filter(part => part !== '' && part !== '.')

/** A pattern as an absolute path, as a shell or a file manager shows it; null when it is relative. */
function fullPath (pattern: string, home: string): string | null {
  const cut = `${pattern}/`.indexOf('/')
  const expanded = () => {
    try {
      return expandPath(pattern.slice(0, cut), {
        home,
        env: process.env,
        passwd: () => readFileSync('/etc/passwd', 'utf8')
      })
    } catch (error) {
      // A name such as `~lock` or `$RECYCLE.BIN`, not a path.
      if (!/^[~$]\{?\w+\}?\/./.test(pattern)) return ''
      throw error instanceof PathRefused ? new PatternRefused(error.message) : error
    }
  }
  const start = /^[~$]/.test(pattern) ? expanded() : pattern.slice(0, cut)
  const full = start + pattern.slice(cut)
  return full.startsWith('/') ? `/${partsIn(full).join('/')}` : null
}

const anchored = (text: string) => text.replace(/\/+$/, '').includes('/')

function ruleOf (text: string, { fold }: Pick<Reading, 'fold'>): Rule {
  const parts = partsIn(text)
  if (parts.length === 0) {
    throw new PatternRefused(
      'A pattern with braces expands to an empty one, which would exclude everything'
    )
  }
  const free = !anchored(text)
  // `cache/**` excludes the folder too.
  while (parts.length > 1 && (parts.at(-1) === '**')) parts.pop()
  const segments = parts.map(part => segmentOf(fold(part)))
  return { segments: free && segments[0] !== null ? [null, ...segments] : segments, folders: text.endsWith('/') }
}

interface ExcludeOptions {
  /** The file system ignores case. */
  ignoreCase?: boolean
  /** The absolute paths of the folder; a pattern may begin with one of them. */
  roots?: readonly string[]
  home?: string
}

/** Returns a test for the paths that patterns exclude, by the rules of .gitignore without `!`. Throws
 *  PatternRefused. */
export function excluder (
  patterns: readonly string[],
  { ignoreCase = false, roots = [], home = homedir() }: ExcludeOptions = {}
): Excluded {
  const fold = ignoreCase ? folded : plain
  const rules = patterns.flatMap(pattern => rulesOf(pattern, { fold, roots, home }))
  if (rules.length === 0) return () => false
  const part = nameFits
  return (path, kind) => {
    const parts = fold(path).split('/')
    for (let length = 1; length <= parts.length; length++) {
      const folder = length < parts.length || kind === 'folder'
      const upTo = parts.slice(0, length)
      if (rules.some(rule =>
        (folder || !rule.folders) &&
        pathFits(rule.segments, rule.below === undefined ? upTo : [...rule.below, ...upTo], { part })
      )) return true
    }
    return false
  }
}

/** Returns tests for the paths that globs match, relative to the folder. Without `dots`, `*` and `?` do not match a dot
 *  at the beginning of a name. `names`: true for a matching path. `below`: true for a folder that may contain one. */
export function includer (
  patterns: readonly string[],
  { dots = false, ignoreCase = false }: { dots?: boolean, ignoreCase?: boolean } = {}
): {
  names: (path: string) => boolean
  below: (path: string) => boolean
} {
  const fold = ignoreCase ? folded : plain
  const globs = patterns.flatMap(branches).map(text => {
    const segments = text.replace(/^(\.\/|\/)+/, '').split('/').map(part => segmentOf(fold(part)))
    return segments.at(-1) === null ? [...segments, segmentOf('*')] : segments
  })
  const texts = new Set(patterns.map(text => fold(text.replace(/^(\.\/|\/)+/, ''))))
  const part = (segment: NonNullable<Segment>, name: string) =>
    (dots || !name.startsWith('.') || segment.text.startsWith('.')) && nameFits(segment, name)
  const any = (path: string, start: boolean) =>
    globs.some(glob => (dots || dotsFit(glob, path)) && pathFits(glob, fold(path).split('/'), { part, start }))
  return { names: path => texts.has(fold(path)) || any(path, false), below: path => any(path, true) }
}

/** True when the pattern has at least as many parts that begin with a dot as the path. */
const dotsFit = (glob: Segment[], path: string) =>
  path.split('/').filter(name => name.startsWith('.')).length <=
    glob.filter(segment => segment?.text.startsWith('.')).length

const swapped = (name: string) => name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase()

/** True when the disk of an open folder ignores case. Tries a name in the folder; without one, the operating system
 *  decides. */
export async function ignoresCase (folder: Folder): Promise<boolean> {
  const names = (await folder.entries()).map(({ name }) => name)
  const all = new Set(names)
  for (const name of names.slice(0, 50)) {
    const other = swapped(name)
    if (isRaw(name) || other === name) continue
    // Both names exist.
    if (all.has(other)) return false
    const [own, there] = await Promise.all([folder.stat(name), folder.stat(other)]).catch(() => [null, null])
    if (own === null) continue
    return there !== null && there.dev === own.dev && there.ino === own.ino
  }
  return process.platform === 'darwin' || process.platform === 'win32'
}

/** Returns a test for the paths of an open folder that patterns exclude. `given`: the configured paths of the folder
 *  and of its copies. */
export async function excludedFrom (
  folder: Folder,
  { patterns, given }: { patterns: readonly string[], given: readonly string[] }
): Promise<Excluded> {
  const roots = [...new Set([folder.path, ...given.map(path => resolve(path))])]
  return excluder(patterns, { ignoreCase: await ignoresCase(folder), roots })
}

const PROBE = '.offpeak-case.part'

/** True when the disk of an open folder ignores case. Creates a file to find out. */
export async function writesOneCase (folder: Folder): Promise<boolean> {
  await folder.remove(PROBE)
  try {
    await folder.create(PROBE).then(file => file.close())
    return await folder.stat(PROBE.toUpperCase()) !== null
  } finally {
    await folder.remove(PROBE)
  }
}
