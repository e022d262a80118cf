import { Type } from 'typebox'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { listBackups } from './_backup/backups.ts'
import { restore } from './_backup/restore.ts'
import { expandPath } from './_files/path.ts'
import { checkToWrite, openToWrite } from './_files/own.ts'
import { makeWithin, openWithin } from './_files/reach.ts'
import { PathRefused, openFolder } from './_files/root.ts'
import type { Restored } from './_backup/restore.ts'
import { SIZE_PATTERN, bytesOf, codeOf, keyOf, settingsOf, sizeWords } from './_task/settings.ts'
import { ArchiveRefused } from './_backup/unpack.ts'

const Input = Type.Object({
  from: Type.Optional(
    Type.String({ description: 'The folder whose backups are listed, if no archive is given', configured: 'within' })
  ),
  archive: Type.Optional(
    Type.String({
      description: 'The .tar.zst to unpack',
      configured: 'within',
      configured_in: ['archive', 'from'],
      uploads: true
    })
  ),
  into: Type.Optional(Type.String({ description: 'The folder to unpack to', configured: 'within' })),
  only: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), { maxItems: 1000, description: 'Paths, folders or globs' })
  ),
  existing: Type.Optional(
    Type.Unsafe<'refuse' | 'replace'>({
      type: 'string',
      enum: ['refuse', 'replace'],
      configured: true,
      configured_or: 'refuse'
    })
  ),
  max_size: Type.Optional(Type.String({ pattern: SIZE_PATTERN, configured: 'at_most' })),
  max_ratio: Type.Optional(Type.Number({ minimum: 1, configured: 'at_most' }))
}, { additionalProperties: false, configured: ['into'] })

const DEFAULTS = { existing: 'refuse' as const, max_size: '1 TB', max_ratio: 1000 }

async function backupsOf (ctx: TaskContext, folder: string) {
  try {
    return (await listBackups({ folder, open: () => openWithin(ctx, { setting: 'from' }, () => openFolder(folder)) }))
      .map(({ file, created_at: made, bytes, partial }) => ({
        file,
        created_at: made,
        size: sizeWords(bytes),
        ...(partial ? { partial } : {})
      }))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ctx.fail(`There is no folder '${folder}'`)
    throw error
  }
}

const SHOWN = 100
const first = (list: string[]) => `${list.slice(0, 3).join('; ')}${list.length > 3 ? '; …' : ''}`

function answer (
  ctx: TaskContext,
  { files, links, bytes, manifest, troubles, more_troubles: more, damaged }: Restored,
  into: string
): unknown {
  const result = {
    files,
    links,
    bytes,
    into,
    of: manifest.created_at,
    troubles: troubles.slice(0, SHOWN),
    damaged: damaged.slice(0, SHOWN)
  }
  const count = troubles.length + more
  const parts = [
    ...(count > 0 ? [`${count} files, folders or links differ from the archive: ${first(troubles)}`] : []),
    ...(damaged.length > 0 ? [`${damaged.length} files are only partly in the backup: ${first(damaged)}`] : [])
  ]
  return parts.length === 0 ? result : ctx.warn(parts.join('; '), result)
}

async function restoreBackup (ctx: TaskContext): Promise<unknown> {
  const { from, archive, into, only, existing, max_size: maxSize, max_ratio: maxRatio } = settingsOf(ctx, Input,
    DEFAULTS)
  try {
    if (archive === undefined && from !== undefined) return { backups: await backupsOf(ctx, expandPath(from)) }
    if (archive === undefined || into === undefined) {
      return ctx.fail(
        `The archive or the target folder is missing: set ${keyOf(ctx, 'archive')} and ${
          keyOf(ctx, 'into')
        } in config.json, or in the payload`
      )
    }
    await checkToWrite(ctx, expandPath(into))
    const restored = await restore({
      archive: expandPath(archive),
      into: expandPath(into),
      only,
      existing,
      caps: { maxBytes: bytesOf(maxSize), maxRatio },
      open: path => openWithin(ctx, { setting: 'into' }, () => openToWrite(ctx, path)),
      make: path => makeWithin(ctx, { setting: 'into', path, mode: 0o777, deep: true }),
      openArchive: (path, name) => openWithin(ctx, { setting: 'archive', name }, () => openFolder(path)),
      signal: ctx.signal,
      onBytes: (count, path) => ctx.progress.advance(count, path)
    })
    return answer(ctx, restored, into)
  } catch (error) {
    const final = error instanceof ArchiveRefused || error instanceof PathRefused || codeOf(error) === 'ENOENT'
    if (final) return ctx.fail((error as Error).message)
    throw error
  }
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'restore_backup',
  name: 'Restore a backup',
  description: 'Verifies an archive of backup_data and unpacks it. Replaces no files unless existing is replace.',
  func: restoreBackup,
  isolation: 'process',
  trigger: null,
  enabled: false,
  max_retries: 0,
  timeout: '4h',
  type: 'backup',
  tags: ['disk', 'backup'],
  payload: DEFAULTS,
  input: Input
}]
