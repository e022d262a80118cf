import { mkdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { Type } from 'typebox'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import type { SideManifest } from './_backup/archive.ts'
import { measure, pack } from './_backup/archive.ts'
import { archiveOf, backupsIn, kept, manifestOf, sideManifest, stemOf } from './_backup/backups.ts'
import type { Folder } from './_files/folder.ts'
import { sameFile, writeWhole } from './_files/folder.ts'
import type { Excluded } from './_files/match.ts'
import { PatternRefused, excludedFrom } from './_files/match.ts'
import { PathRefused, openFolder } from './_files/root.ts'
import { codeOf, keyOf, settingsOf, sizeWords } from './_task/settings.ts'
import type { Settings } from './_task/settings.ts'
import { verify } from './_backup/unpack.ts'

export { listBackups } from './_backup/backups.ts'
export { restore } from './_backup/restore.ts'

const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 }))
const NAME = '[A-Za-z0-9][A-Za-z0-9_-]{0,63}'

const Input = Type.Object({
  source: Type.Optional(Type.String({ description: 'The folder to back up' })),
  target: Type.Optional(Type.String({ description: 'The folder that the archives go to' })),
  name: Type.Optional(Type.String({ pattern: `^${NAME}$`, description: 'How archives are named; the name of the source when left out' })),
  exclude: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { maxItems: 200, description: 'Patterns as in .gitignore' })),
  level: Type.Optional(Type.Integer({ minimum: 1, maximum: 19, description: 'Of zstd: higher is smaller and slower' })),
  keep_last: Count,
  keep_daily: Count,
  keep_weekly: Count
}, { additionalProperties: false })

const DEFAULTS = { target: 'backups', exclude: [] as string[], level: 3, keep_last: 7, keep_daily: 7, keep_weekly: 4 }

type BackupSettings = Settings<typeof Input, typeof DEFAULTS>
interface Job { ctx: TaskContext, settings: BackupSettings, source: Folder, target: Folder, name: string, excluded: Excluded }

async function open (ctx: TaskContext, { path, key }: { path: string, key: string }): Promise<Folder> {
  try {
    return await openFolder(path)
  } catch (error) {
    if (error instanceof PathRefused) return ctx.fail(`${keyOf(ctx, key)} in config.json: ${error.message}`)
    if (codeOf(error) === 'ENOENT') return ctx.fail(`${keyOf(ctx, key)} in config.json: there is no folder '${path}'`)
    throw error
  }
}

function refused (ctx: TaskContext, error: unknown): never {
  if (error instanceof PatternRefused) return ctx.fail(`${keyOf(ctx, 'exclude')} in config.json: ${error.message}`)
  throw error
}

const nameOf = ({ name, source }: BackupSettings) => name ?? (basename(source ?? '').replaceAll(/[^A-Za-z0-9_-]/g, '_').replace(/^[_-]+/, '').slice(0, 64) || 'backup')

/** The stem for this run, or the manifest of the archive that an earlier attempt of it has finished. */
async function placeFor ({ ctx, target, name }: Job): Promise<string | SideManifest> {
  const stem = stemOf(name, new Date(ctx.due_at))
  for (const one of [stem, `${stem}-${ctx.run_id}`]) {
    const there = await target.stat(archiveOf(one))
    if (there === null) return one
    if (!there.isFile()) return ctx.fail(`'${archiveOf(one)}' in ${target.path} is there and not a file; nothing was written`)
    const manifest = await sideManifest(target, archiveOf(one))
    if (manifest?.run_id === ctx.run_id) return manifest
  }
  return ctx.fail(`The backups '${archiveOf(stem)}' and one for this run are there already, from other hands`)
}

async function write (job: Job, { temp, file }: { temp: string, file: string }): Promise<SideManifest> {
  const { ctx, settings, source, target, name, excluded } = job
  const choice = { source, excluded, except: [target.identity], breathe: () => ctx.breathe() }
  const { files, bytes } = await measure(choice)
  ctx.progress.setTotal(bytes, 'bytes')
  ctx.progress.setMessage(`packing ${files} files, ${sizeWords(bytes)}`)
  const about = { name, source: source.path, run_id: ctx.run_id, created_at: new Date(ctx.due_at).toISOString() }
  const out = await target.create(temp)
  try {
    const packed = await pack({ ...choice, out, about, level: settings.level, signal: ctx.signal, onBytes: (count, path) => ctx.progress.advance(count, path) })
    await out.sync()
    return { ...packed.manifest, archive: { file, bytes: packed.bytes, sha256: packed.sha256 } }
  } finally {
    await out.close()
  }
}

async function readBack ({ ctx, target }: Job, temp: string): Promise<void> {
  ctx.progress.setMessage('reading back')
  const handle = await target.read(temp)
  try {
    await verify({ handle, signal: ctx.signal })
  } finally {
    await handle.close()
  }
}

async function make (job: Job, stem: string): Promise<SideManifest> {
  const { ctx, target } = job
  const file = archiveOf(stem)
  // Named by the run, so that the next attempt finds and removes what a crash left of this one.
  const temp = `.${stem}.${ctx.run_id}.part`
  await target.remove(temp)
  try {
    await ctx.checkpoint.save({ stage: 'writing', temp, file })
    const manifest = await write(job, { temp, file })
    await readBack(job, temp)
    await ctx.checkpoint.save({ stage: 'verified', temp, file })
    // The manifest goes first: an archive is one only with its manifest beside it.
    await writeWhole(target, manifestOf(file), JSON.stringify(manifest))
    if (await target.stat(file) !== null) return ctx.fail(`'${file}' appeared in ${target.path} while the backup was made; it was not replaced`)
    await target.rename(temp, file)
    await target.sync()
    await ctx.checkpoint.save({ stage: 'done', file })
    return manifest
  } finally {
    await target.remove(temp)
  }
}

const STALE = 24 * 60 * 60 * 1000

/** Removes what a run left behind that crashed a day ago and was not tried again. */
async function sweepParts ({ target, name, ctx }: Job): Promise<void> {
  const part = new RegExp(`^\\.${name}-\\d{8}T\\d{6}Z(-\\w+)?\\.\\w+\\.part$`)
  for (const entry of await target.entries()) {
    if (!entry.isFile() || !part.test(entry.name)) continue
    const stat = await target.stat(entry.name)
    if (stat !== null && Date.parse(ctx.due_at) - stat.mtimeMs > STALE) await target.remove(entry.name)
  }
}

/** Removes the backups of this name and source that need not be kept. */
async function forget ({ target, settings, name, source }: Job): Promise<string[]> {
  const backups = await backupsIn(target, { name, source: source.path })
  const instants = backups.map(({ created_at }) => Date.parse(created_at))
  const keep = kept(instants, { last: settings.keep_last, daily: settings.keep_daily, weekly: settings.keep_weekly })
  const old = backups.filter((_, index) => !keep.has(instants[index]!)).map(({ file }) => basename(file))
  for (const file of old) {
    await target.remove(file)
    await target.remove(manifestOf(file))
  }
  return old
}

async function backUp (job: Job): Promise<unknown> {
  const { ctx, source, target } = job
  if (sameFile(source.identity, target.identity)) return ctx.fail(`${keyOf(ctx, 'target')} in config.json is the folder that is backed up; name another`)
  const place = await placeFor(job)
  const again = typeof place !== 'string'
  const manifest = again ? place : await make(job, place)
  const forgotten = await forget(job)
  await sweepParts(job)
  const changed = manifest.files.filter(file => file.changed)
  const { archive, bytes, files, passed_over } = manifest
  const result = {
    archive: archive.file, folder: target.path, files: files.length, bytes, archive_bytes: archive.bytes, sha256: archive.sha256,
    made_by_earlier_attempt: again, forgotten, passed_over: passed_over.slice(0, 20), changed: changed.slice(0, 20).map(({ path }) => path)
  }
  ctx.log.info({ archive: archive.file, files: files.length, bytes, archive_bytes: archive.bytes }, 'backup made and read back')
  const unread = passed_over.filter(({ why }) => why !== 'link' && why !== 'special')
  if (unread.length + changed.length === 0) return result
  return ctx.warn(`${unread.length} files or folders could not be read and ${changed.length} changed while they were read`, result)
}

async function backupData (ctx: TaskContext): Promise<unknown> {
  const settings = settingsOf(ctx, Input, DEFAULTS)
  if (settings.source === undefined) return ctx.skip(`No folder is named: set ${keyOf(ctx, 'source')} in config.json`)
  const source = await open(ctx, { path: settings.source, key: 'source' })
  try {
    await mkdir(settings.target, { recursive: true, mode: 0o700 })
    const target = await open(ctx, { path: settings.target, key: 'target' })
    try {
      const excluded = await excludedFrom(source, { patterns: settings.exclude, given: settings.source }).catch(error => refused(ctx, error))
      return await backUp({ ctx, settings, source, target, name: nameOf(settings), excluded })
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
  description: 'Packs a folder into a .tar.zst, reads it back, and keeps the last ones of days and weeks.',
  func: backupData,
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
