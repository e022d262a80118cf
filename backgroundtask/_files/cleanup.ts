import { Type } from 'typebox'
import { DurationSchema, milliseconds, spanWords } from '../../core/index.ts'
import type { TaskContext } from '../../core/index.ts'
import type { Folder, Identity } from './folder.ts'
import { sameFile } from './folder.ts'
import { PatternRefused, excludedFrom, ignoresCase, includer } from './match.ts'
import { shown } from './names.ts'
import { openToWrite } from './own.ts'
import { expandPath } from './path.ts'
import { openWithin } from './reach.ts'
import { PathRefused, openForDeletion } from './root.ts'
import { SIZE_PATTERN, bytesOf, codeOf, keyOf, messageOf, settingsOf, sizeWords } from '../_task/settings.ts'
import type { Settings } from '../_task/settings.ts'
import { inFolder, splitPath, walk } from './walk.ts'

const globs = (configured: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 500 }), { maxItems: 100, configured })

/** The settings of a clean-up. */
export const CleanupInput = Type.Object({
  root: Type.Optional(
    Type.String({ description: 'The folder to clean; nothing outside it is changed', configured: 'within' })
  ),
  older_than: Type.Optional({ ...DurationSchema, configured: 'at_least' }),
  include: Type.Optional(globs('globs')),
  exclude: Type.Optional(globs('more')),
  remove_empty_folders: Type.Optional(Type.Boolean({ configured: true, configured_or: false })),
  dry_run: Type.Optional(
    Type.Boolean({ description: 'Only report what would be removed', configured: true, configured_or: true })
  ),
  max_files: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100_000,
      description: 'If more files would be removed, none is, and the run reports it',
      configured: 'at_most'
    })
  ),
  max_size: Type.Optional(Type.String({ pattern: SIZE_PATTERN, configured: 'at_most' })),
  max_share: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'The largest share of all files that may be removed',
      configured: 'at_most'
    })
  )
}, { additionalProperties: false, configured: ['root'] })

/** The defaults of a clean-up. */
export const CLEANUP_DEFAULTS = {
  older_than: '30d',
  include: ['**/*'],
  exclude: [] as string[],
  remove_empty_folders: false,
  dry_run: true,
  max_files: 1000,
  max_size: '10 GB',
  max_share: 0.5
}

type CleanupSettings = Settings<typeof CleanupInput, typeof CLEANUP_DEFAULTS>
type Old = Identity & { path: string, size: number, mtimeMs: number }
type EmptyFolder = { path: string, mtimeMs: number }

interface Plan {
  /** At most `max_files`, so that listing millions of files takes little memory. */
  old: Old[]
  count: number
  bytes: number
  files: number
  links: number
  unread: string[]
  folders: EmptyFolder[]
}

const SHOWN = 20
const GROUP = 32

async function look (
  ctx: TaskContext,
  { root, settings, before }: { root: Folder, settings: CleanupSettings, before: number }
): Promise<Plan> {
  const plan: Plan = { old: [], count: 0, bytes: 0, files: 0, links: 0, unread: [], folders: [] }
  const includes = includer(settings.include, { ignoreCase: await ignoresCase(root) }).names
  const excluded = await excludedFrom(root, { patterns: settings.exclude, given: [expandPath(settings.root ?? '')] })
  for await (const found of walk(root, { breathe: () => ctx.breathe(), excluded })) {
    if (found.kind === 'link') plan.links++
    if (found.kind === 'unread') plan.unread.push(`${shown(found.path)}: ${found.code}`)
    if (found.kind === 'folder' && settings.remove_empty_folders) {
      plan.folders.push({ path: found.path, mtimeMs: found.stat.mtimeMs })
    }
    if (found.kind !== 'file') continue
    plan.files++
    const { dev, ino, size, mtimeMs } = found.stat
    if (mtimeMs >= before || !includes(found.path)) continue
    plan.bytes += size
    plan.count++
    if (plan.count <= settings.max_files) plan.old.push({ path: found.path, dev, ino, size, mtimeMs })
  }
  return plan
}

/** The reason why a person must check the limits first, or null. */
function tooMuch (ctx: TaskContext, { count, bytes, files }: Plan, settings: CleanupSettings): string | null {
  const because = (limit: string, name: string) =>
    `${count} of ${files} files (${sizeWords(bytes)}) would be removed, which is over ${limit}; ` +
    `nothing was removed. If this is intended, raise ${keyOf(ctx, name)} in config.json`
  if (count > settings.max_files) return because(`${settings.max_files} files`, 'max_files')
  if (bytes > bytesOf(settings.max_size)) return because(settings.max_size, 'max_size')
  if (count > files * settings.max_share) {
    return because(`${Math.round(settings.max_share * 100)} % of all`, 'max_share')
  }
  return null
}

type Removed = 'removed' | 'changed' | 'gone'

/** Removes one file of an open folder if it is still the file that was listed. */
async function removeFile (folder: Folder, name: string, old: Old): Promise<Removed> {
  const now = await folder.stat(name)
  if (now === null) return 'gone'
  if (!now.isFile() || !sameFile(now, old) || now.mtimeMs !== old.mtimeMs) return 'changed'
  await folder.remove(name)
  return 'removed'
}

const codeIn = (error: unknown) => codeOf(error) || messageOf(error)

/** Consecutive files of one folder, in groups that are small enough for a quick stop. */
function* groupsOf (all: readonly Old[]): Generator<{ path: string, files: Old[] }> {
  for (let at = 0; at < all.length;) {
    const [path] = splitPath(all[at]!.path)
    const from = at
    while (at < all.length && at - from < GROUP && splitPath(all[at]!.path)[0] === path) at++
    yield { path, files: all.slice(from, at) }
  }
}

async function removeFiles (ctx: TaskContext, root: Folder, plan: Plan) {
  const sum = { removed: 0, bytes: 0, changed: [] as string[], failed: [] as string[] }
  ctx.progress.setTotal(plan.old.length, 'files')
  for (const { path, files } of groupsOf(plan.old)) {
    await ctx.breathe()
    const answers = await inFolder(root, path, async folder => {
      await folder.check()
      return await Promise.all(files.map(old => removeFile(folder, splitPath(old.path)[1], old).catch(codeIn)))
    }).catch((error: unknown) => files.map(() => codeIn(error)))
    for (const [index, old] of files.entries()) {
      const answer = answers[index]!
      if (answer === 'removed') {
        sum.removed++
        sum.bytes += old.size
      } else if (answer === 'changed') sum.changed.push(shown(old.path))
      else if (answer !== 'gone') sum.failed.push(`${shown(old.path)}: ${answer}`)
    }
    ctx.progress.advance(files.length, shown(files.at(-1)!.path))
  }
  return sum
}

/** Removes folders that this run has emptied, and old empty ones. Returns their number. */
async function removeFolders (
  ctx: TaskContext,
  root: Folder,
  { plan, before }: { plan: Plan, before: number }
): Promise<number> {
  const touched = new Set(
    plan.old.flatMap(({ path }) =>
      path.split('/').slice(0, -1).map((_, index, parts) => parts.slice(0, index + 1).join('/'))
    )
  )
  let removed = 0
  for (const { path, mtimeMs } of plan.folders) {
    if (mtimeMs >= before && !touched.has(path)) continue
    await ctx.breathe()
    const [outer, name] = splitPath(path)
    // rmdir fails for a folder that is not empty.
    const gone = await inFolder(root, outer, folder => folder.removeFolder(name)).then(() => true, () => false)
    if (gone) removed++
  }
  return removed
}

/** The result of a dry run. */
function dryRun (ctx: TaskContext, { plan, seen, stop }: { plan: Plan, seen: object, stop: string | null }) {
  ctx.log.info({ old: plan.count, bytes: plan.bytes }, 'dry run: nothing was removed')
  const first = plan.old.slice(0, SHOWN).map(({ path }) => shown(path))
  const result = { ...seen, would_remove: plan.count, bytes: plan.bytes, first }
  if (stop !== null) return ctx.warn(stop, result)
  if (plan.unread.length === 0) return result
  const unread = plan.unread.slice(0, 3).join('; ')
  return ctx.warn(`${plan.unread.length} files or folders could not be read: ${unread}`, result)
}

async function cleanFolder (
  ctx: TaskContext,
  { root, settings, now }: { root: Folder, settings: CleanupSettings, now: number }
) {
  const before = now - milliseconds(settings.older_than)
  const plan = await look(ctx, { root, settings, before })
  const seen = {
    root: root.path,
    dry_run: settings.dry_run,
    files: plan.files,
    links_passed_over: plan.links,
    unread: plan.unread.slice(0, SHOWN)
  }
  const stop = tooMuch(ctx, plan, settings)
  if (settings.dry_run) return dryRun(ctx, { plan, seen, stop })
  if (stop !== null) return ctx.fail(stop)
  const sum = await removeFiles(ctx, root, plan)
  const folders = settings.remove_empty_folders ? await removeFolders(ctx, root, { plan, before }) : 0
  const result = {
    ...seen,
    ...sum,
    changed: sum.changed.slice(0, SHOWN),
    failed: sum.failed.slice(0, SHOWN),
    folders_removed: folders
  }
  ctx.log.info({ removed: sum.removed, bytes: sum.bytes }, `files older than ${spanWords(now - before)} removed`)
  const troubles = [...sum.failed, ...plan.unread]
  if (troubles.length === 0) return result
  const [failed, unread, first] = [sum.failed.length, plan.unread.length, troubles.slice(0, 3).join('; ')]
  return ctx.warn(`${failed} files could not be removed, and ${unread} files or folders could not be read: ${first}`,
    result)
}

/** Removes old files of a folder: lists them, refuses if they are too many, and removes those that have not changed
 *  since they were listed. `now` is epoch ms. */
export async function cleanUp (
  ctx: TaskContext,
  { defaults = CLEANUP_DEFAULTS, now = Date.now() } = {}
): Promise<unknown> {
  const settings = settingsOf(ctx, CleanupInput, defaults)
  if (settings.root === undefined) return ctx.skip(`No folder is configured: set ${keyOf(ctx, 'root')} in config.json`)
  const negated = settings.include.find(pattern => pattern.startsWith('!'))
  if (negated !== undefined) {
    return ctx.fail(
      `${keyOf(ctx, 'include')} in config.json: '${shown(negated)}' cannot undo a pattern; list what stays in ${
        keyOf(ctx, 'exclude')
      }, and write '\\${shown(negated)}' for a name that begins with '!'`
    )
  }
  if (milliseconds(settings.older_than) === 0) {
    return ctx.fail(`${keyOf(ctx, 'older_than')} in config.json is 0, which would remove every file`)
  }
  let root: Folder
  try {
    const path = expandPath(settings.root)
    root = await openWithin(ctx, { setting: 'root' }, () => openToWrite(ctx, path, openForDeletion))
  } catch (error) {
    if (error instanceof PathRefused) return ctx.fail(`${keyOf(ctx, 'root')} in config.json: ${error.message}`)
    if (codeOf(error) === 'ENOENT') return ctx.skip(`The folder '${settings.root}' does not exist`)
    throw error
  }
  try {
    return await cleanFolder(ctx, { root, settings, now })
  } catch (error) {
    if (error instanceof PatternRefused) return ctx.fail(`${keyOf(ctx, 'exclude')} in config.json: ${error.message}`)
    throw error
  } finally {
    await root.close()
  }
}
