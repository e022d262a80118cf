import { resolve, sep } from 'node:path'
import { Type } from 'typebox'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { bringAll, finishFolders, look, removeRest } from './_sync/sync.ts'
import type { Done, Sync } from './_sync/sync.ts'
import type { Folder } from './_files/folder.ts'
import type { Place } from './_sync/copy.ts'
import { PatternRefused, excludedFrom, writesOneCase } from './_files/match.ts'
import { RequireMountSchema, checkDisks, noteDisk } from './_files/mount.ts'
import { checkToWrite, openToWrite } from './_files/own.ts'
import { expandPath } from './_files/path.ts'
import { makeWithin, openWithin } from './_files/reach.ts'
import { PathRefused, openFolder, openForDeletion } from './_files/root.ts'
import { codeOf, keyOf, settingsOf } from './_task/settings.ts'
import type { Settings } from './_task/settings.ts'

const Input = Type.Object({
  source: Type.Optional(Type.String({ minLength: 1, description: 'The folder to copy', configured: 'within' })),
  target: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'The folder that becomes equal to it',
      configured: 'within',
      configured_with: 'source'
    })
  ),
  exclude: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 100,
      description: 'Patterns as in .gitignore',
      configured: 'more'
    })
  ),
  delete: Type.Optional(
    Type.Boolean({
      description: 'Remove files from the target that the source does not have',
      configured: true,
      configured_or: false
    })
  ),
  max_delete: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'If more files would be removed, none is, and the run reports it',
      configured: 'at_most'
    })
  ),
  max_delete_share: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'The largest share of the files in the target that may be removed',
      configured: 'at_most'
    })
  ),
  require_mount: RequireMountSchema
}, { additionalProperties: false, configured: ['source', 'target'] })

const DEFAULTS = { exclude: [] as string[], delete: false, max_delete: 1000, max_delete_share: 0.5 }

type SyncSettings = Settings<typeof Input, typeof DEFAULTS>

const within = (outer: string, inner: string) => inner === outer || inner.startsWith(outer + sep)

async function openBoth (
  ctx: TaskContext,
  given: { source: string, target: string, delete: boolean }
): Promise<{ source: Folder, target: Folder }> {
  const open = async (key: 'source' | 'target', act: (path: string) => Promise<Folder>) =>
    await openWithin(ctx, { setting: key }, () => act(resolve(given[key]))).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return ctx.fail(`${keyOf(ctx, key)}: there is no folder '${given[key]}'`)
      if (error instanceof PathRefused) return ctx.fail(`${keyOf(ctx, key)}: ${error.message}`)
      throw error
    })
  const source = await open('source', openFolder)
  try {
    const target = await open('target', async path => {
      await checkToWrite(ctx, path)
      await makeWithin(ctx, { setting: 'target', path, mode: 0o777 }).catch(error => {
        if (codeOf(error) !== 'ENOENT') throw error
      })
      return await openToWrite(ctx, path, given.delete ? openForDeletion : openFolder)
    })
    if (!within(source.path, target.path) && !within(target.path, source.path)) return { source, target }
    await target.close()
    return ctx.fail(`${keyOf(ctx, 'target')}: one of the two folders contains the other`)
  } catch (error) {
    await source.close()
    throw error
  }
}

/** The absolute, expanded path of a setting. */
function placed (ctx: TaskContext, key: 'source' | 'target', path: string): string {
  try {
    return resolve(expandPath(path))
  } catch (error) {
    if (error instanceof PathRefused) return ctx.fail(`${keyOf(ctx, key)}: ${error.message}`)
    throw error
  }
}

function answer (ctx: TaskContext, done: Done, special: string[]): unknown {
  const { troubles, ...result } = done
  ctx.log.info(result, 'synced')
  const parts = [
    ...(troubles.length > 0 ? [`${troubles.length} problems: ${troubles.slice(0, 3).join('; ')}`] : []),
    ...(special.length > 0
      ? [`${special.length} pipes, sockets or devices are not copied: ${special.slice(0, 3).join(', ')}`]
      : [])
  ]
  return parts.length === 0
    ? result
    : ctx.warn(parts.join('; '), { ...result, troubles: troubles.slice(0, 100), passed_over: special.slice(0, 100) })
}

async function syncOpen (
  ctx: TaskContext,
  { source, target, settings }: { source: Folder, target: Folder, settings: SyncSettings }
): Promise<unknown> {
  const done: Done = {
    copied: 0,
    bytes: 0,
    touched: 0,
    unchanged: 0,
    linked: 0,
    removed: 0,
    passed: 0,
    not_kept: 0,
    troubles: []
  }
  const read = async () => await ctx.checkpoint.read() as Place | null
  const sync: Sync = {
    ctx,
    done,
    ask: {
      source,
      target,
      breathe: () => ctx.breathe(),
      moved: bytes => ctx.progress.advance(bytes),
      read,
      save: place => ctx.checkpoint.save(place)
    }
  }
  const excluded = await excludedFrom(source, {
    patterns: settings.exclude,
    given: [placed(ctx, 'source', settings.source ?? ''), target.path, placed(ctx, 'target', settings.target ?? '')]
  })
  const found = await look(source, { excluded, breathe: () => ctx.breathe() })
  done.passed = found.special.length
  done.troubles.push(...found.unread)
  await bringAll(sync, found, { oneCase: await writesOneCase(target) })
  if (settings.delete) await removeRest(sync, found, { ...settings, excluded })
  await finishFolders(sync, found)
  return answer(ctx, done, found.special)
}

async function syncFolder (ctx: TaskContext): Promise<unknown> {
  const settings = settingsOf(ctx, Input, DEFAULTS)
  if (settings.source === undefined || settings.target === undefined) {
    return ctx.skip(`No folders are configured: set ${keyOf(ctx, 'source')} and ${keyOf(ctx, 'target')} in config.json`)
  }
  const [from, to] = [placed(ctx, 'source', settings.source), placed(ctx, 'target', settings.target)]
  await checkDisks(ctx, [from, to], settings.require_mount)
  const { source, target } = await openBoth(ctx, { source: from, target: to, delete: settings.delete })
  try {
    const result = await syncOpen(ctx, { source, target, settings })
    for (const path of [from, to]) await noteDisk(ctx, path)
    return result
  } catch (error) {
    if (error instanceof PatternRefused) return ctx.fail(`${keyOf(ctx, 'exclude')}: ${error.message}`)
    throw error
  } finally {
    await Promise.all([source.close(), target.close()])
  }
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'sync_folder',
  name: 'Sync a folder',
  description: 'Makes one folder equal to another: copies new and changed files and, if delete is on, removes others.',
  func: syncFolder,
  isolation: 'process',
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
