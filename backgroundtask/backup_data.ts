import { basename, resolve } from 'node:path'
import { Type } from 'typebox'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { backupsIn, manifestOf, spare } from './_backup/backups.ts'
import { isPartial } from './_backup/manifest.ts'
import { make, placeFor } from './_backup/make.ts'
import type { BackupJob } from './_backup/make.ts'
import { summary } from './_backup/summary.ts'
import type { Folder } from './_files/folder.ts'
import { sameFile } from './_files/folder.ts'
import { PatternRefused, excludedFrom } from './_files/match.ts'
import { RequireMountSchema, checkDisks, noteDisk } from './_files/mount.ts'
import { expandPath } from './_files/path.ts'
import { checkToWrite, openToWrite } from './_files/own.ts'
import { makeWithin, openWithin } from './_files/reach.ts'
import { PathRefused, openFolder } from './_files/root.ts'
import { codeOf, keyOf, settingsOf } from './_task/settings.ts'
import type { Settings } from './_task/settings.ts'

export { listBackups } from './_backup/backups.ts'
export { restore } from './_backup/restore.ts'

const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, configured: 'at_least' }))
const NAME = '[A-Za-z0-9][A-Za-z0-9_-]{0,63}'

const Input = Type.Object({
  source: Type.Optional(Type.String({ description: 'The folder to back up', configured: 'within' })),
  target: Type.Optional(Type.String({ description: 'The folder that the archives go to', configured: 'within' })),
  name: Type.Optional(
    Type.String({ pattern: `^${NAME}$`, description: 'The name of archives; default: the name of the source' })
  ),
  // An archive of a run that excludes more would replace complete ones.
  exclude: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 200,
      description: 'Patterns as in .gitignore',
      configured: true
    })
  ),
  level: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 19, description: 'The level of zstd: higher is smaller and slower' })
  ),
  allow_empty: Type.Optional(
    Type.Boolean({
      description: 'Back up a folder without files although the last backup has some',
      configured: true,
      configured_or: false
    })
  ),
  require_mount: RequireMountSchema,
  keep_last: Count,
  keep_daily: Count,
  keep_weekly: Count
}, { additionalProperties: false, configured: ['source'] })

const DEFAULTS = {
  target: 'backups',
  exclude: [] as string[],
  level: 3,
  allow_empty: false,
  keep_last: 7,
  keep_daily: 7,
  keep_weekly: 4
}

type BackupSettings = Settings<typeof Input, typeof DEFAULTS>
interface Job extends BackupJob {
  settings: BackupSettings
}

async function open (ctx: TaskContext, { path, key }: { path: string, key: 'source' | 'target' }): Promise<Folder> {
  try {
    if (key === 'source') return await openWithin(ctx, { setting: key }, () => openFolder(path))
    await checkToWrite(ctx, path)
    // The parent is not created: if it is missing, its disk is probably not mounted.
    await makeWithin(ctx, { setting: key, path, mode: 0o700 }).catch(error => {
      if (codeOf(error) !== 'ENOENT') throw error
    })
    return await openWithin(ctx, { setting: key }, () => openToWrite(ctx, path))
  } catch (error) {
    if (error instanceof PathRefused) return ctx.fail(`${keyOf(ctx, key)} in config.json: ${error.message}`)
    if (['EACCES', 'EPERM'].includes(codeOf(error))) {
      return ctx.fail(`${keyOf(ctx, key)} in config.json: this user may not read '${path}' (${codeOf(error)})`)
    }
    if (codeOf(error) === 'ENOENT') return ctx.fail(`${keyOf(ctx, key)} in config.json: there is no folder '${path}'`)
    throw error
  }
}

function refused (ctx: TaskContext, error: unknown): never {
  if (error instanceof PatternRefused) return ctx.fail(`${keyOf(ctx, 'exclude')} in config.json: ${error.message}`)
  throw error
}

const nameOf = ({ name, source }: BackupSettings) =>
  name ?? (basename(source ?? '').replaceAll(/[^A-Za-z0-9_-]/g, '_').replace(/^[_-]+/, '').slice(0, 64) || 'backup')

const STALE = 24 * 60 * 60 * 1000

/** Removes unfinished archives that are older than a day. */
async function sweepParts ({ target, name, ctx }: Job): Promise<void> {
  const part = new RegExp(`^\\.${name}-\\d{8}T\\d{6}Z(-\\w+)?\\.\\w+\\.part$`)
  for (const entry of await target.entries()) {
    if (!entry.isFile() || !part.test(entry.name)) continue
    const stat = await target.stat(entry.name)
    if (stat !== null && Date.parse(ctx.due_at) - stat.mtimeMs > STALE) await target.remove(entry.name)
  }
}

/** Removes backups with this name and source that are beyond the limits. Returns their names. */
async function forget ({ target, settings, name, source }: Job, made: string): Promise<string[]> {
  const backups = await backupsIn(target, { name, source: source.path })
  const old = spare(backups, { last: settings.keep_last, daily: settings.keep_daily, weekly: settings.keep_weekly },
    made).map(({ file }) => basename(file))
  for (const file of old) {
    await target.remove(file)
    await target.remove(manifestOf(file))
  }
  return old
}

async function backUp (job: Job): Promise<unknown> {
  const { ctx, source, target } = job
  if (sameFile(source.identity, target.identity)) {
    return ctx.fail(`${keyOf(ctx, 'target')} in config.json is the source itself; use another folder`)
  }
  const place = await placeFor(job)
  const again = typeof place !== 'string'
  const manifest = again ? place : await make(job, place)
  const forgotten = await forget(job, manifest.created_at)
  await sweepParts(job)
  const { archive, bytes, files } = manifest
  const { warning, lists } = summary(manifest)
  const result = {
    archive: archive.file,
    folder: target.path,
    files: files.length,
    bytes,
    archive_bytes: archive.bytes,
    sha256: archive.sha256,
    made_by_earlier_attempt: again,
    forgotten,
    partial: isPartial(manifest),
    ...lists
  }
  ctx.log.info({ archive: archive.file, files: files.length, bytes, archive_bytes: archive.bytes },
    'backup made and read back')
  return warning === null ? result : ctx.warn(warning, result)
}

/** The settings with absolute, expanded paths. */
function placed (ctx: TaskContext, settings: BackupSettings): BackupSettings {
  const place = (key: 'source' | 'target', path: string) => {
    try {
      return resolve(expandPath(path))
    } catch (error) {
      if (error instanceof PathRefused) return ctx.fail(`${keyOf(ctx, key)} in config.json: ${error.message}`)
      throw error
    }
  }
  return { ...settings, source: place('source', settings.source ?? ''), target: place('target', settings.target) }
}

async function backupData (ctx: TaskContext): Promise<unknown> {
  const given = settingsOf(ctx, Input, DEFAULTS)
  if (given.source === undefined) return ctx.skip(`No folder is configured: set ${keyOf(ctx, 'source')} in config.json`)
  const settings = placed(ctx, given)
  const disks: [string, string] = [settings.source!, settings.target]
  await checkDisks(ctx, disks, settings.require_mount)
  const source = await open(ctx, { path: settings.source!, key: 'source' })
  try {
    const target = await open(ctx, { path: settings.target, key: 'target' })
    try {
      const excluded = await excludedFrom(source, { patterns: settings.exclude, given: [settings.source!] }).catch(
        error => refused(ctx, error)
      )
      const result = await backUp({ ctx, settings, source, target, name: nameOf(settings), excluded })
      for (const path of disks) await noteDisk(ctx, path)
      return result
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'backup_data',
  name: 'Back up data',
  description: 'Packs a folder into a .tar.zst archive, reads it back, and keeps the last archives of days and weeks.',
  func: backupData,
  isolation: 'process',
  trigger: 'cron',
  trigger_args: { hour: 2, minute: 0 },
  enabled: false,
  max_retries: 3,
  timeout: '4h',
  type: 'backup',
  priority: 'normal',
  tags: ['disk', 'backup'],
  payload: DEFAULTS,
  input: Input
}]
