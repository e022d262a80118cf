import { mkdir } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import type { Stats } from 'node:fs'
import { Type } from 'typebox'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import type { Folder } from './_files/folder.ts'
import type { MirrorAsk, Place } from './_files/mirror.ts'
import type { Excluded } from './_files/match.ts'
import { PatternRefused, excludedFrom } from './_files/match.ts'
import { checkToWrite, openToWrite } from './_files/own.ts'
import { PathRefused, openFolder, openForDeletion } from './_files/root.ts'
import { codeOf, keyOf, messageOf, settingsOf } from './_task/settings.ts'
import { copyFile, makeFolder, sameContent, sameTime, statIn, touch } from './_files/mirror.ts'
import { inFolder, splitPath, walk } from './_files/walk.ts'

const Input = Type.Object({
  source: Type.Optional(Type.String({ minLength: 1, description: 'The folder to copy', configured: 'within' })),
  target: Type.Optional(Type.String({ minLength: 1, description: 'The folder that becomes like it', configured: 'within', configured_with: 'source' })),
  exclude: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { maxItems: 100, description: 'Patterns as in .gitignore', configured: 'more' })),
  delete: Type.Optional(Type.Boolean({ description: 'Remove from the target what the source does not have', configured: true, configured_or: false })),
  max_delete: Type.Optional(Type.Integer({ minimum: 0, description: 'More than this is reported, and nothing is removed', configured: 'at_most' }))
}, { additionalProperties: false, configured: ['source', 'target'] })

const DEFAULTS = { exclude: [] as string[], delete: false, max_delete: 1000 }

interface Found { files: Map<string, Stats>, folders: Set<string>, passed: number, unread: string[] }

/** Everything below a folder that is not excluded. */
async function look (ctx: TaskContext, root: Folder, excluded: Excluded): Promise<Found> {
  const found: Found = { files: new Map(), folders: new Set(), passed: 0, unread: [] }
  for await (const entry of walk(root, { breathe: () => ctx.breathe(), excluded })) {
    if (entry.kind === 'file') found.files.set(entry.path, entry.stat)
    else if (entry.kind === 'folder') found.folders.add(entry.path)
    else if (entry.kind === 'unread') found.unread.push(`${entry.path}: ${entry.code}`)
    else found.passed++
  }
  return found
}

interface Done { copied: number, bytes: number, touched: number, unchanged: number, removed: number, passed: number, troubles: string[] }

interface Sync { ctx: TaskContext, ask: MirrorAsk, done: Done }

/** Copies one file when it is another one: by size and time, and by content where only the time differs. */
async function bring ({ ask, done }: Sync, path: string, stat: Stats): Promise<void> {
  const there = await statIn(ask.target, path)
  if (there?.isFile() && there.size === stat.size && await sameContent(ask, path)) {
    await touch(ask, path, stat)
    done.touched++
    ask.moved(stat.size)
    return
  }
  if (!await copyFile(ask, path)) done.troubles.push(`${path}: was changed while it was copied`)
  done.copied++
  done.bytes += stat.size
}

async function bringAll (sync: Sync, { files, folders }: Found): Promise<void> {
  const { ctx, ask, done } = sync
  const wanted: [string, Stats][] = []
  for (const [path, stat] of files) {
    await ctx.breathe()
    const there = await statIn(ask.target, path)
    if (there?.isFile() && there.size === stat.size && sameTime(there, stat)) done.unchanged++
    else wanted.push([path, stat])
  }
  ctx.progress.setTotal(wanted.reduce((sum, [, { size }]) => sum + size, 0), 'bytes')
  for (const path of folders) await makeFolder(ask.target, path, async () => undefined).catch(error => troubled(sync, path, error))
  for (const [path, stat] of wanted) {
    ctx.progress.setMessage(path)
    await bring(sync, path, stat).catch(error => troubled(sync, path, error))
  }
}

/** One file that cannot be brought does not keep the others; a stop and a full disk do. */
function troubled ({ ctx, done }: Sync, path: string, error: unknown): void {
  ctx.signal.throwIfAborted()
  if (codeOf(error) === '' || codeOf(error) === 'ENOSPC' || codeOf(error) === 'EIO') throw error
  done.troubles.push(`${path}: ${messageOf(error)}`)
}

/** Removes from the target what the source does not have, what is in a folder before the folder. */
async function removeRest (sync: Sync, from: Found, settings: { excluded: Excluded, max_delete: number }): Promise<void> {
  const { ctx, ask, done } = sync
  const there = await look(ctx, ask.target, settings.excluded)
  const extra = [...there.files.keys()].filter(path => !from.files.has(path))
  const folders = [...there.folders].filter(path => !from.folders.has(path))
  const refusal = from.unread.length > 0
    ? 'parts of the source could not be read'
    : from.files.size === 0 && there.files.size > 0 ? 'the source is empty' : extra.length > settings.max_delete ? `${extra.length} files would go, and max_delete is ${settings.max_delete}` : null
  if (refusal !== null) return void (extra.length > 0 && done.troubles.push(`nothing was removed: ${refusal}`))
  for (const path of extra) {
    await ctx.breathe()
    const [folderPath, name] = splitPath(path)
    await inFolder(ask.target, folderPath, folder => folder.remove(name))
    done.removed++
  }
  // Those that hold what was excluded or passed over are not empty, and stay.
  for (const path of folders) {
    const [folderPath, name] = splitPath(path)
    await inFolder(ask.target, folderPath, folder => folder.removeFolder(name)).catch(() => undefined)
  }
}

const within = (outer: string, inner: string) => inner === outer || inner.startsWith(outer + sep)

async function openBoth (ctx: TaskContext, given: { source: string, target: string, delete: boolean }): Promise<{ source: Folder, target: Folder }> {
  const open = async (key: 'source' | 'target', act: (path: string) => Promise<Folder>) => await act(resolve(given[key])).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return ctx.fail(`${keyOf(ctx, key)}: there is no folder '${given[key]}'`)
    if (error instanceof PathRefused) return ctx.fail(`${keyOf(ctx, key)}: ${error.message}`)
    throw error
  })
  const source = await open('source', openFolder)
  try {
    const target = await open('target', async path => {
      await checkToWrite(ctx, path)
      await mkdir(path).catch(error => { if (codeOf(error) !== 'EEXIST' && codeOf(error) !== 'ENOENT') throw error })
      return await openToWrite(ctx, path, given.delete ? openForDeletion : openFolder)
    })
    if (!within(source.path, target.path) && !within(target.path, source.path)) return { source, target }
    await target.close()
    return ctx.fail(`${keyOf(ctx, 'target')}: one of the two folders lies in the other`)
  } catch (error) {
    await source.close()
    throw error
  }
}

async function syncFolder (ctx: TaskContext): Promise<unknown> {
  const settings = settingsOf(ctx, Input, DEFAULTS)
  const { source: from, target: to } = settings
  if (from === undefined || to === undefined) return ctx.skip(`No folders are named: set ${keyOf(ctx, 'source')} and ${keyOf(ctx, 'target')} in config.json`)
  const { source, target } = await openBoth(ctx, { source: from, target: to, delete: settings.delete })
  const done: Done = { copied: 0, bytes: 0, touched: 0, unchanged: 0, removed: 0, passed: 0, troubles: [] }
  try {
    const read = async () => await ctx.checkpoint.read() as Place | null
    const sync: Sync = { ctx, done, ask: { source, target, breathe: () => ctx.breathe(), moved: bytes => ctx.progress.advance(bytes), read, save: place => ctx.checkpoint.save(place) } }
    const excluded = await excludedFrom(source, { patterns: settings.exclude, given: from })
    const found = await look(ctx, source, excluded)
    done.passed = found.passed
    done.troubles.push(...found.unread)
    await bringAll(sync, found)
    if (settings.delete) await removeRest(sync, found, { ...settings, excluded })
  } catch (error) {
    if (error instanceof PatternRefused) return ctx.fail(`${keyOf(ctx, 'exclude')}: ${error.message}`)
    throw error
  } finally {
    await Promise.all([source.close(), target.close()])
  }
  const { troubles, ...result } = done
  ctx.log.info(result, 'synced')
  return troubles.length === 0 ? result : ctx.warn(`${troubles.length} could not be synced: ${troubles.slice(0, 3).join('; ')}`, { ...result, troubles: troubles.slice(0, 100) })
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'sync_folder',
  name: 'Sync a folder',
  description: 'Makes one folder like another: copies what is new or changed, and removes what is gone when that is asked for.',
  func: syncFolder,
  trigger: 'interval',
  trigger_args: { hours: 1 },
  enabled: false,
  max_retries: 2,
  timeout: '6h',
  type: 'sync',
  queue: 'sync',
  overlap: 'skip',
  tags: ['disk'],
  payload: DEFAULTS,
  input: Input
}]
