import type { TaskContext } from '../../core/index.ts'
import type { Folder } from '../_files/folder.ts'
import type { Excluded } from '../_files/match.ts'
import { writeNew } from '../_files/whole.ts'
import { keyOf, sizeWords } from '../_task/settings.ts'
import { measure, pack } from './archive.ts'
import { archiveOf, backupsIn, manifestOf, sideManifest, stemOf } from './backups.ts'
import type { SideManifest } from './manifest.ts'
import { verify } from './unpack.ts'

/** One run of the backup. */
export interface BackupJob {
  ctx: TaskContext
  settings: { level: number, allow_empty: boolean }
  source: Folder
  target: Folder
  name: string
  excluded: Excluded
}

/** The name for the archive of this run without its ending, or the manifest of the one that an earlier attempt has
 *  finished. */
export async function placeFor ({ ctx, target, name }: BackupJob): Promise<string | SideManifest> {
  const stem = stemOf(name, new Date(ctx.due_at))
  for (const one of [stem, `${stem}-${ctx.run_id}`]) {
    const there = await target.stat(archiveOf(one))
    const manifest = await sideManifest(target, archiveOf(one))
    // A manifest without an archive may belong to a run that is about to rename its archive.
    if (there === null && (manifest === null || manifest.run_id === ctx.run_id)) return one
    if (there === null) continue
    if (!there.isFile()) {
      return ctx.fail(`'${archiveOf(one)}' in ${target.path} is not a file; nothing was written`)
    }
    if (manifest?.run_id === ctx.run_id && manifest.archive.bytes === there.size) return manifest
  }
  return ctx.fail(`'${archiveOf(stem)}' and the archive with the id of this run exist, but were not made by it`)
}

/** Fails the run for an empty source whose last backup has files: its disk is probably not mounted. */
async function refuseEmpty ({ ctx, settings, source, target, name }: BackupJob, files: number): Promise<void> {
  if (files > 0 || settings.allow_empty) return
  const last = (await backupsIn(target, { name, source: source.path })).find(one => one.files > 0)
  if (last === undefined) return
  ctx.fail(
    `${source.path} contains no files, and its backup of ${last.created_at} has ${last.files}: is its disk mounted? ` +
      `No backup was made. If the folder should be empty, set ${keyOf(ctx, 'allow_empty')} in config.json`
  )
}

async function write (job: BackupJob, { temp, file }: { temp: string, file: string }): Promise<SideManifest> {
  const { ctx, settings, source, target, name, excluded } = job
  const choice = { source, excluded, except: [target.identity], breathe: () => ctx.breathe() }
  const { files, bytes } = await measure(choice)
  await refuseEmpty(job, files)
  ctx.progress.setTotal(bytes, 'bytes')
  ctx.progress.setMessage(`packing ${files} files, ${sizeWords(bytes)}`)
  const about = { name, source: source.path, run_id: ctx.run_id, created_at: new Date(ctx.due_at).toISOString() }
  const out = await target.create(temp)
  try {
    const packed = await pack({
      ...choice,
      out,
      about,
      level: settings.level,
      signal: ctx.signal,
      onBytes: (count, path) => ctx.progress.advance(count, path)
    })
    await out.sync()
    return {
      ...packed.manifest,
      archive: { file, bytes: packed.bytes, sha256: packed.sha256, unpacked: packed.unpacked }
    }
  } finally {
    await out.close()
  }
}

async function readBack (
  { ctx, target }: BackupJob,
  { temp, unpacked }: { temp: string, unpacked: number }
): Promise<void> {
  ctx.progress.setMessage('reading back')
  const handle = await target.read(temp)
  try {
    // This archive is trusted, so its compression ratio is not limited.
    await verify({ handle, caps: { maxBytes: unpacked, maxRatio: Infinity }, signal: ctx.signal })
  } finally {
    await handle.close()
  }
}

/** Makes the archive `stem`, verifies it, and resolves to its manifest. */
export async function make (job: BackupJob, stem: string): Promise<SideManifest> {
  const { ctx, target } = job
  const file = archiveOf(stem)
  // The name contains the id of the run, so that the next attempt removes the file after a crash.
  const temp = `.${stem}.${ctx.run_id}.part`
  await target.remove(temp)
  try {
    await ctx.checkpoint.save({ stage: 'writing', temp, file })
    const manifest = await write(job, { temp, file })
    await readBack(job, { temp, unpacked: manifest.archive.unpacked ?? Infinity })
    await ctx.checkpoint.save({ stage: 'verified', temp, file })
    return await publish(job, { temp, manifest })
  } finally {
    await target.remove(temp)
  }
}

/** Renames the archive to its final name, or to the one with the id of the run if another run has taken that. */
async function publish (
  job: BackupJob,
  { temp, manifest }: { temp: string, manifest: SideManifest }
): Promise<SideManifest> {
  const { ctx, target } = job
  for (;;) {
    const stem = await placeFor(job)
    if (typeof stem !== 'string') return stem
    const file = archiveOf(stem)
    const named = { ...manifest, archive: { ...manifest.archive, file } }
    const left = await sideManifest(target, file)
    // An earlier attempt may have left a manifest without an archive.
    if (left === null || left.run_id === ctx.run_id) await target.remove(manifestOf(file))
    // The manifest is written first: without it, an archive does not count as a backup.
    if (!await writeNew(target, manifestOf(file), JSON.stringify(named))) continue
    if (!await target.moveNew(temp, file)) {
      return ctx.fail(`'${file}' appeared in ${target.path} while the backup was made; it was not replaced`)
    }
    await target.sync()
    await ctx.checkpoint.save({ stage: 'done', file })
    return named
  }
}
