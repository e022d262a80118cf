import { mkdir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { Type } from 'typebox'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { AnswerRefused } from './_net/remote-file.ts'
import { TooLarge, download } from './_net/download.ts'
import type { Fetched } from './_net/download.ts'
import { checkFileToWrite } from './_files/own.ts'
import { expandPath } from './_files/path.ts'
import { PathRefused, openFolder } from './_files/root.ts'
import { SIZE_PATTERN, bytesOf, keyOf, settingsOf } from './_task/settings.ts'
import type { Settings } from './_task/settings.ts'
import { RequestRefused, WEB_DEFAULTS, WebFields } from './_net/web.ts'

const Input = Type.Object({
  url: Type.Optional(Type.String({ description: 'The URL to fetch', configured: true })),
  file: Type.Optional(Type.String({ minLength: 1, description: 'The file to write', configured: true })),
  headers: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]+$' }), Type.String(), { configured: true })),
  max_size: Type.Optional(Type.String({ pattern: SIZE_PATTERN, configured: 'at_most' })),
  ...WebFields
}, { additionalProperties: false, configured: ['url', 'file'] })

const DEFAULTS = { ...WEB_DEFAULTS, headers: {} as Record<string, string>, max_size: '1 GB' }

type SyncSettings = Settings<typeof Input, typeof DEFAULTS> & { url: string, file: string }

// Another attempt may succeed after these answers.
const TEMPORARY = new Set([206, 408, 416, 425, 429])

function refused (ctx: TaskContext, error: unknown): never {
  ctx.signal.throwIfAborted()
  if (error instanceof RequestRefused) return ctx.fail(`${keyOf(ctx, 'url')} in config.json: ${error.message}`)
  if (error instanceof PathRefused) return ctx.fail(`${keyOf(ctx, 'file')} in config.json: ${error.message}`)
  if (error instanceof TooLarge) {
    return ctx.fail(`${error.message}: if this is intended, raise ${keyOf(ctx, 'max_size')} in config.json`)
  }
  if (!(error instanceof AnswerRefused)) throw error
  if (error.retryAfter !== null) return ctx.retryAfter(error.retryAfter, error.message)
  if (error.status < 500 && !TEMPORARY.has(error.status)) return ctx.fail(error.message)
  throw error
}

async function fetchTo (ctx: TaskContext, settings: SyncSettings): Promise<Fetched> {
  const path = resolve(expandPath(settings.file))
  await checkFileToWrite(ctx, path)
  await mkdir(dirname(path), { recursive: true })
  const folder = await openFolder(dirname(path))
  try {
    return await download({
      url: settings.url,
      folder,
      name: basename(path),
      headers: settings.headers,
      allowed: settings,
      maxBytes: bytesOf(settings.max_size),
      signal: ctx.signal,
      breathe: () => ctx.breathe(),
      onTotal: bytes => ctx.progress.setTotal(bytes, 'bytes'),
      onBytes: done => ctx.progress.update(done)
    })
  } finally {
    await folder.close()
  }
}

async function syncExternalData (ctx: TaskContext): Promise<unknown> {
  const settings = settingsOf(ctx, Input, DEFAULTS)
  const { url, file } = settings
  if (url === undefined || file === undefined) {
    return ctx.skip(`No URL or file is configured: set ${keyOf(ctx, 'url')} and ${keyOf(ctx, 'file')} in config.json`)
  }
  const fetched = await fetchTo(ctx, { ...settings, url, file }).catch((error: unknown) => refused(ctx, error))
  if (fetched.kind === 'same') return ctx.skip('not modified')
  const { kind: _, ...result } = fetched
  ctx.log.info({ bytes: result.bytes, changed: result.changed, resumed_from: result.resumed_from }, 'fetched')
  return { file, ...result }
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'sync_external_data',
  name: 'Sync external data',
  description: 'Fetches a URL to a file when it has changed. Resumes interrupted downloads.',
  func: syncExternalData,
  trigger: 'interval',
  trigger_args: { hours: 1 },
  enabled: false,
  max_retries: 3,
  timeout: '30m',
  type: 'sync',
  tags: ['network', 'disk'],
  payload: DEFAULTS,
  input: Input
}]
