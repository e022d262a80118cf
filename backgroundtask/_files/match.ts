import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import type { Folder } from './folder.ts'
import { MOST_BRANCHES, branchesOf, nameFits, pathFits, segmentOf } from './glob.ts'
import type { Segment } from './glob.ts'
import { isRaw, shown } from './names.ts'
import { expandPath } from './path.ts'
import { PathRefused } from './root.ts'

/** A pattern that cannot be meant; the message is a sentence for its owner. */
export class PatternRefused extends Error {
  override readonly name = 'PatternRefused'
}

/** `below`: the folder's own path, of which the segments speak too. */
interface Rule {
  segments: Segment[]
  folders: boolean
  below?: readonly string[]
}

/** True for a path that is left out. Paths are relative with `/`; below a path that is left out everything is. */
export type Excluded = (path: string, kind: 'folder' | 'other') => boolean

interface Reading {
  fold: (text: string) => string
  roots: readonly string[]
  home: string
}

// One and the same text may be stored composed or decomposed.
const plain = (text: string) => text.normalize('NFC')
const folded = (text: string) => text.normalize('NFC').toLowerCase()

function branches (pattern: string): string[] {
  const all = branchesOf(pattern)
  if (all === null) throw new PatternRefused(`'${shown(pattern)}' stands for more than ${MOST_BRANCHES} patterns`)
  return all
}

/** Throws for a pattern that is not understood or that could not be meant. */
function checkPattern (pattern: string): void {
  const refuse = (why: string) => {
    throw new PatternRefused(`'${shown(pattern)}' ${why}`)
  }
  if (/[@+!*?]\([^)]*\|/.test(pattern)) {
    refuse('is an extended glob, which is not understood: write one pattern for each name, or {a,b}')
  }
  // A payload may add exclusions to those of the configuration: none of them may take one back.
  if (pattern.startsWith('!')) {
    const literal = `\\${shown(pattern)}`
    refuse(`would take an exclusion back, which is not possible; a name that begins with '!' is written '${literal}'`)
  }
  if (pattern.replaceAll(/[./]/g, '') === '' && !pattern.includes('...')) refuse('names nothing below the folder')
  if (pattern.split('/').includes('..')) refuse('leads out of the folder')
  const sequence = pattern.match(/\{-?(?:\d+|[A-Za-z])\.\.-?(?:\d+|[A-Za-z])(?:\.\.-?\d+)?\}/)?.[0]
  if (sequence !== undefined) {
    refuse(`has the sequence ${sequence}, which is not understood: write {a,b,c} or [a-c]`)
  }
}

/** A name that contains characters of a pattern matches itself as well. */
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
    throw new PatternRefused(`'${shown(pattern)}' is the folder itself, of which nothing would be left`)
  }
  const folders = pattern.endsWith('/')
  const inside = roots.filter(root => full?.startsWith(`${root}/`)).flatMap(root =>
    branches(full!.slice(root.length) + (folders ? '/' : ''))
  )
  const rules = [...branches(pattern), ...inside].map(text => ruleOf(text, { fold }))
  // A path with characters of a pattern in the part above the folder.
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

/** A pattern as the whole path that a shell or a file manager shows for it; null when it is none. */
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
      // A name such as `~lock` or `$RECYCLE.BIN`, and no path.
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
      'A pattern stands, by its braces, for one that is empty, and of the folder nothing would be left'
    )
  }
  const free = !anchored(text)
  // What is in a folder is the folder: `cache/**` leaves nothing of it.
  while (parts.length > 1 && (parts.at(-1) === '**')) parts.pop()
  const segments = parts.map(part => segmentOf(fold(part)))
  return { segments: free && segments[0] !== null ? [null, ...segments] : segments, folders: text.endsWith('/') }
}

interface ExcludeOptions {
  /** The file system does not tell upper from lower case. */
  ignoreCase?: boolean
  /** The folder's own paths, with one of which a pattern may begin. */
  roots?: readonly string[]
  home?: string
}

/** Which paths a list of patterns leaves out, by the rules of .gitignore without its `!`. Throws PatternRefused. */
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

/** Which paths a list of globs names, each from the folder on. Without `dots`, `*` and `?` do not stand for a dot at
 *  the beginning of a name. `below`: true for a folder in which something may be named. */
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

/** True when each name that begins with a dot has a part of the pattern which does. */
const dotsFit = (glob: Segment[], path: string) =>
  path.split('/').filter(name => name.startsWith('.')).length <=
    glob.filter(segment => segment?.text.startsWith('.')).length

const swapped = (name: string) => name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase()

/** True when an open folder does not tell upper from lower case, as a name in it shows; by the system when none
 *  does. */
export async function ignoresCase (folder: Folder): Promise<boolean> {
  const names = (await folder.entries()).map(({ name }) => name)
  const all = new Set(names)
  for (const name of names.slice(0, 50)) {
    const other = swapped(name)
    if (isRaw(name) || other === name) continue
    // Two names, of one file or not.
    if (all.has(other)) return false
    const [own, there] = await Promise.all([folder.stat(name), folder.stat(other)]).catch(() => [null, null])
    if (own === null) continue
    return there !== null && there.dev === own.dev && there.ino === own.ino
  }
  return process.platform === 'darwin' || process.platform === 'win32'
}

/** What a list of patterns leaves out of an open folder; `given`: the paths of the folder, and of others that are to be
 *  like it, as their owner wrote them. */
export async function excludedFrom (
  folder: Folder,
  { patterns, given }: { patterns: readonly string[], given: readonly string[] }
): Promise<Excluded> {
  const roots = [...new Set([folder.path, ...given.map(path => resolve(path))])]
  return excluder(patterns, { ignoreCase: await ignoresCase(folder), roots })
}

const PROBE = '.offpeak-case.part'

/** The same for a folder that may be written to, and surely. */
export async function writesOneCase (folder: Folder): Promise<boolean> {
  await folder.remove(PROBE)
  try {
    await folder.create(PROBE).then(file => file.close())
    return await folder.stat(PROBE.toUpperCase()) !== null
  } finally {
    await folder.remove(PROBE)
  }
}
