import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import type { Manifest } from '../../backgroundtask/_backup/manifest.ts'
import { cleanUp } from '../../backgroundtask/_files/cleanup.ts'
import { TASK_DEFINITIONS as BACKUP } from '../../backgroundtask/backup_data.ts'
import { fakeContext } from './context.ts'
import { NAMES, at, hostile, numbers, pathsIn, removeTree } from './hostile.ts'

const skip = process.platform !== 'linux'
/** A pattern that matches a name literally. */
const literal = (name: string) => name.replaceAll(/[\\*?[\]{}!#]/g, String.raw`\$&`)
const same = (a: string | undefined, b: string) => a?.normalize('NFC') === b.normalize('NFC')

/** Random patterns, and the paths that they exclude, found by plain comparison. */
function draw (root: string, seed: number) {
  const random = numbers(seed)
  const pick = () => NAMES[Math.floor(random() * NAMES.length)]!
  const [one, folder, top, deep] = [pick(), pick(), pick(), pick()]
  const exclude = [literal(one), `./**/${literal(folder)}/`, `/${literal(top)}`, `**/${literal(deep)}/**`]
  const left = pathsIn(root).filter(path => {
    const parts = path.split('/')
    const inside = parts.slice(0, lstatSync(at(root, path)).isDirectory() ? parts.length : -1)
    return parts.some(part => same(part, one) || same(part, deep)) || inside.some(part => same(part, folder)) ||
      same(parts[0], top)
  })
  return { exclude, left }
}

tap.test('a clean-up of everything removes nothing at or below an excluded path [S25]', { skip }, async t => {
  for (const seed of [31, 32, 33, 34, 35, 36]) {
    const root = join(t.testdir(), 'tree')
    hostile(root, seed)
    const { exclude, left } = draw(root, seed)
    const { ctx } = fakeContext('cleanup_old_files', {
      root,
      dry_run: false,
      exclude,
      max_share: 1,
      max_files: 100_000,
      remove_empty_folders: true,
      include: ['**/*', '**/.*', '**/.*/**', '.*/**']
    })
    // Later than any time in the tree.
    t.match(await cleanUp(ctx, { now: Date.UTC(2500, 0) }), { failed: [], unread: [] })
    const now = new Set(pathsIn(root))
    t.same(left.filter(path => !now.has(path)), [], `seed ${seed}`)
    const kept = new Set(left)
    t.same([...now].filter(path => lstatSync(at(root, path)).isFile() && !kept.has(path) && !/(^|\/)\./.test(path)), [],
      `all others are removed, seed ${seed}`)
    removeTree(root)
  }
})

tap.test('a backup contains everything except excluded paths', { skip }, async t => {
  for (const seed of [41, 42, 43]) {
    const base = t.testdir()
    const source = join(base, 'tree')
    hostile(source, seed)
    const { exclude, left } = draw(source, seed)
    const result = await BACKUP[0]!.func(
      fakeContext('backup_data', { source, target: join(base, 'target'), exclude }).ctx
    ) as { archive: string }
    const manifest = JSON.parse(readFileSync(join(base, 'target', `${result.archive}.json`), 'utf8')) as Manifest
    const held = [...manifest.files, ...manifest.links!, ...manifest.hard_links!].map(({ path }) => path).concat(
      manifest.folders
    )
    const out = new Set(left)
    t.same(held.toSorted(), pathsIn(source).filter(path => !out.has(path)).toSorted(), `seed ${seed}`)
    removeTree(source)
  }
})
