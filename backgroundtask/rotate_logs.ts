import { lstat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { Type } from 'typebox'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { includer } from './_files/match.ts'
import { fsPathOf, shown } from './_files/names.ts'
import { expandPath } from './_files/path.ts'
import { rotate, unfit } from './_files/rotate.ts'
import { checkFileToWrite } from './_files/own.ts'
import { openFolder } from './_files/root.ts'
import { SIZE_PATTERN, bytesOf, codeOf, keyOf, messageOf, settingsOf } from './_task/settings.ts'
import type { Settings } from './_task/settings.ts'
import { walk } from './_files/walk.ts'

const Input = Type.Object({
  files: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 200,
      description: 'Log files, or globs',
      configured: 'some'
    })
  ),
  max_size: Type.Optional(
    Type.String({ pattern: SIZE_PATTERN, description: 'Logs above this size are rotated', configured: 'at_least' })
  ),
  keep: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, configured: 'at_least' })),
  method: Type.Optional(
    Type.Unsafe<'copy_truncate' | 'rename'>({ type: 'string', enum: ['copy_truncate', 'rename'], configured: true })
  ),
  compress: Type.Optional(Type.Boolean())
}, { additionalProperties: false, configured: ['files'] })

const DEFAULTS = { files: [] as string[], max_size: '10 MB', keep: 5, method: 'copy_truncate' as const, compress: true }

type RotateSettings = Settings<typeof Input, typeof DEFAULTS>

const ROTATED = /\.\d+(\.zst)?$|\.part$|\.(zst|gz|bz2|xz)$/

interface Matched {
  paths: string[]
  unread: string[]
}

/** The files that a path or glob matches, without rotated ones. */
async function matching (ctx: TaskContext, given: string): Promise<Matched> {
  if (given.startsWith('!')) {
    throw new Error(`a pattern cannot exclude; write './${given}' for a name that begins with '!'`)
  }
  const pattern = resolve(expandPath(given))
  const parts = pattern.split(sep)
  const first = parts.findIndex(part => /[*?[\]{}]/.test(part))
  // An existing file is matched literally, even if its name contains pattern characters.
  if (first < 0 || await lstat(fsPathOf(pattern)).then(() => true, () => false)) return { paths: [pattern], unread: [] }
  const base = await openFolder(parts.slice(0, first).join(sep) || sep)
  const { names, below } = includer([parts.slice(first).join('/')])
  const found: Matched = { paths: [], unread: [] }
  try {
    for await (const { kind, path, ...rest } of walk(base, {
      breathe: () => ctx.breathe(),
      excluded: (one, is) => is === 'folder' && !below(one)
    })) {
      if ((kind === 'file' || kind === 'link') && names(path) && !ROTATED.test(path)) {
        found.paths.push(join(base.path, path))
      }
      if (kind === 'unread') found.unread.push(`${shown(join(base.path, path))}: ${'code' in rest ? rest.code : ''}`)
    }
  } finally {
    await base.close()
  }
  return found
}

async function listed (ctx: TaskContext, { files }: RotateSettings): Promise<{ paths: Set<string>, failed: string[] }> {
  const paths = new Set<string>()
  const failed: string[] = []
  for (const pattern of files) {
    const found = await matching(ctx, pattern).catch((error: unknown) => {
      ctx.signal.throwIfAborted()
      failed.push(`${shown(pattern)}: ${messageOf(error)}`)
      return { paths: [], unread: [] }
    })
    for (const path of found.paths) paths.add(path)
    failed.push(...found.unread)
  }
  return { paths, failed }
}

async function rotateOne (
  ctx: TaskContext,
  { path, settings }: { path: string, settings: RotateSettings }
): Promise<'rotated' | 'small' | 'missing'> {
  await checkFileToWrite(ctx, path)
  const folder = await openFolder(dirname(path))
  try {
    const stat = await folder.stat(basename(path))
    if (stat === null) return 'missing'
    const why = unfit(stat)
    if (why !== null) throw new Error(why)
    if (stat.size <= bytesOf(settings.max_size)) return 'small'
    await rotate({
      folder,
      name: basename(path),
      keep: settings.keep,
      method: settings.method,
      compress: settings.compress,
      signal: ctx.signal
    })
    return 'rotated'
  } finally {
    await folder.close()
  }
}

async function rotateLogs (ctx: TaskContext): Promise<unknown> {
  const settings = settingsOf(ctx, Input, DEFAULTS)
  if (settings.files.length === 0) return ctx.skip(`No logs are configured: set ${keyOf(ctx, 'files')} in config.json`)
  const { paths, failed } = await listed(ctx, settings)
  const sum = { rotated: [] as string[], small: 0, missing: 0 }
  ctx.progress.setTotal(paths.size, 'files')
  for (const path of paths) {
    await ctx.breathe()
    const answer = await rotateOne(ctx, { path, settings }).catch((error: unknown) => {
      ctx.signal.throwIfAborted()
      return { error }
    })
    if (typeof answer === 'object') {
      failed.push(
        `${shown(path)}: ${codeOf(answer.error) === 'ENOENT' ? 'the folder does not exist' : messageOf(answer.error)}`
      )
    } else if (answer === 'rotated') sum.rotated.push(shown(path))
    else sum[answer]++
    ctx.progress.advance(1, shown(path))
  }
  ctx.log.info({ rotated: sum.rotated.length, small: sum.small }, 'logs rotated')
  const result = { ...sum, failed }
  return failed.length === 0 ? result : ctx.warn(`${failed.length} logs were not rotated: ${failed[0]}`, result)
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'rotate_logs',
  name: 'Rotate logs',
  description: 'Rotates and compresses large log files, and keeps the last few.',
  func: rotateLogs,
  isolation: 'process',
  trigger: 'cron',
  trigger_args: { hour: 0, minute: 0 },
  enabled: false,
  max_retries: 2,
  timeout: '15m',
  type: 'maintenance',
  priority: 'low',
  tags: ['disk', 'logs'],
  // It is most useful when the disk is full.
  constraints: { disk_free: 0 },
  payload: DEFAULTS,
  input: Input
}]
