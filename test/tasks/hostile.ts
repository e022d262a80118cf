import { createHash } from 'node:crypto'
import { chmodSync, chownSync, closeSync, ftruncateSync, linkSync, lstatSync, lutimesSync, mkdirSync, openSync,
  readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, utimesSync, writeSync } from 'node:fs'
import { execFileSync } from '../child.ts'
import { bytesOfName, nameFrom } from '../../backgroundtask/_files/names.ts'
import { secondsOf } from '../../backgroundtask/_backup/tar.ts'

/** A generator of random numbers from 0 to 1 with a seed. */
export function numbers (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = state + 0x6d2b79f5 >>> 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

const linux = process.platform === 'linux'
const raw = (...bytes: number[]) => nameFrom(Buffer.from(bytes))

/** Unusual names of files. */
export const NAMES = [
  'plain',
  '.hidden',
  ' lead',
  'trail ',
  'new\nline',
  'tab\tname',
  'back\\slash',
  '"quoted"',
  "'single'",
  'a..b',
  '...',
  '-rf',
  '*',
  '?',
  '[x]',
  '{a,b}',
  '!not',
  '#x',
  '$HOME',
  '~',
  '%41',
  'ctl\u0001',
  '\u001b[31mred',
  'emoji🎉',
  'e\u0301',
  '\u00e9',
  '\ufffd',
  'x'.repeat(255),
  'ü'.repeat(127),
  'PaxHeader',
  '@LongLink',
  'keep',
  'Keep',
  '\u202eabc',
  ...(linux
    ? [raw(0x63, 0xe9), raw(0x63, 0xe8), raw(0xff), raw(0xed, 0xb3, 0xa9),
      raw(...Array.from({ length: 200 }, () => 0xe9))]
    : [])
]

/** A path in a tree, for calls of fs. */
export const at = (root: string, path: string): Buffer => bytesOfName(path === '' ? root : `${root}/${path}`)

const TIMES = ['1700000000.123456', '-446774400.5', '13574563200', '0', '1', '1234567890.000001', '-1']
const MODES = [0o644, 0o600, 0o755, 0o4755, 0o2711, 0o444, 0o400, 0o1777]

interface Builder {
  root: string
  random: () => number
  pick: <T>(list: readonly T[]) => T
  files: string[]
  root_user: boolean
}

function file ({ root, random, pick, files, root_user: asRoot }: Builder, path: string): void {
  const size = pick([0, 1, 511, 512, 513, 4096, 70_000, 300_000])
  const holes = random() < 0.2
  const handle = openSync(at(root, path), 'w')
  if (holes) {
    ftruncateSync(handle, size * 3)
    writeSync(handle, 'in the middle', size)
  } else {writeSync(handle, Buffer.from(Array.from({ length: Math.min(size, 64) }, () =>
      Math.floor(random() * 256))).toString('latin1').repeat(Math.ceil(size / 64)).slice(0, size), 0, 'latin1')}
  closeSync(handle)
  if (asRoot && random() < 0.5) chownSync(at(root, path), 12_345, 3_000_000)
  chmodSync(at(root, path), pick(MODES))
  files.push(path)
}

function fill (build: Builder, path: string, depth: number): void {
  const { root, random, pick, files } = build
  const names = new Set(Array.from({ length: 4 + Math.floor(random() * 6) }, () => pick(NAMES)))
  for (const name of names) {
    const inner = path === '' ? name : `${path}/${name}`
    const kind = random()
    if (kind < 0.3 && depth < 3) {
      mkdirSync(at(root, inner))
      if (random() < 0.85) fill(build, inner, depth + 1)
    } else if (kind < 0.42) {
      symlinkSync(bytesOfName(pick(['/etc', 'loop', '../..', 'nowhere', name, ...NAMES])), at(root, inner))
    } else if (kind < 0.5 && files.length > 0) linkSync(at(root, pick(files)), at(root, inner))
    else file(build, inner)
  }
}

/** The relative paths of everything below a folder, contents before their folder. */
export function pathsIn (root: string, path = ''): string[] {
  return readdirSync(at(root, path), { encoding: 'buffer' }).map(nameFrom).toSorted().flatMap(name => {
    const inner = path === '' ? name : `${path}/${name}`
    return lstatSync(at(root, inner)).isDirectory() ? [...pathsIn(root, inner), inner] : [inner]
  })
}

/** Creates a tree with unusual names, links, modes and times. The same seed creates the same tree. */
export function hostile (root: string, seed: number): void {
  const random = numbers(seed)
  const build: Builder = {
    root,
    random,
    pick: list => list[Math.floor(random() * list.length)]!,
    files: [],
    root_user: process.getuid?.() === 0
  }
  mkdirSync(root)
  fill(build, '', 0)
  let deep = 'deep'
  mkdirSync(at(root, deep))
  while (Buffer.byteLength(deep) < 1500) mkdirSync(at(root, deep += `/${'d'.repeat(100)}`))
  file(build, `${deep}/${'f'.repeat(255)}`)
  for (const path of pathsIn(root)) {
    const stat = lstatSync(at(root, path))
    if (stat.isDirectory()) chmodSync(at(root, path), build.pick([0o755, 0o700, 0o1777, 0o2755]))
    const time = build.pick(TIMES)
    if (stat.isSymbolicLink()) lutimesSync(at(root, path), time, time)
    else utimesSync(at(root, path), time, time)
  }
  utimesSync(at(root, ''), 1_000_000_000, 1_000_000_000)
}

/** Adds entries that are neither file, folder nor link, and returns their names. */
export function addSpecial (root: string): string[] {
  execFileSync('mkfifo', [`${root}/a pipe`])
  return ['a pipe']
}

/** Kind, mode, owner, time (in microseconds) and content or link text of each path. Hard links to the same file have
 *  the same number. */
export function pictureOf (
  root: string,
  { owner = true, except = [] }: { owner?: boolean, except?: string[] } = {}
): Record<string, string> {
  const seen = new Map<bigint, number>()
  const one = (path: string) => {
    const stat = lstatSync(at(root, path), { bigint: true })
    if (!seen.has(stat.ino)) seen.set(stat.ino, seen.size)
    const kind = stat.isDirectory() ? 'folder' : stat.isSymbolicLink()
      ? `link ${JSON.stringify(nameFrom(readlinkSync(at(root, path), 'buffer')))}`
      : `file ${createHash('sha256').update(readFileSync(at(root, path))).digest('hex').slice(0, 12)}${
        stat.nlink > 1n ? ` #${seen.get(stat.ino)}` : ''
      }`
    const mode = stat.isSymbolicLink() ? '' : (Number(stat.mode) & 0o7777).toString(8)
    return [kind, mode, owner ? `${stat.uid}:${stat.gid}` : '', secondsOf((stat.mtimeNs + 500n) / 1000n * 1000n)].join(
      ' '
    )
  }
  return Object.fromEntries(
    ['', ...pathsIn(root)].map(path => [path, one(path)] as const).filter(([path]) => !except.includes(path))
  )
}

/** Removes a tree whatever its modes are. */
export const removeTree = (root: string): void => rmSync(Buffer.from(root), { recursive: true, force: true })
