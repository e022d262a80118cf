import { mkdir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { Type } from 'typebox'
import { DurationSchema, milliseconds, spanWords } from '../core/index.ts'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import type { Folder } from './_files/folder.ts'
import { readWhole, writeWhole } from './_files/whole.ts'
import { checkFileToWrite } from './_files/own.ts'
import { expandPath } from './_files/path.ts'
import { PathRefused, openFolder } from './_files/root.ts'
import { codeOf, keyOf, messageOf, settingsOf } from './_task/settings.ts'
import type { Settings } from './_task/settings.ts'
import { RequestRefused, WEB_DEFAULTS, WebFields, fetchSafely, readBody } from './_net/web.ts'

const BODY_LIMIT = 1024 * 1024

const Input = Type.Object({
  url: Type.Optional(Type.String({ description: 'The page to request', configured: 'host', configured_when: ['url'] })),
  timeout: Type.Optional(DurationSchema),
  expect_status: Type.Optional(
    Type.Array(Type.Integer({ minimum: 100, maximum: 599 }), {
      minItems: 1,
      description: 'The status codes that mean up'
    })
  ),
  expect_text: Type.Optional(
    Type.String({ minLength: 1, description: 'A text that the first megabyte of the page must contain' })
  ),
  slow_after: Type.Optional(DurationSchema),
  on_down: Type.Optional(
    Type.Unsafe<'warn' | 'fail'>({
      type: 'string',
      enum: ['warn', 'fail'],
      description: 'The outcome of the run when the site is down'
    })
  ),
  state_file: Type.Optional(
    Type.String({ minLength: 1, description: 'The file with the last result of each page', configured: true })
  ),
  ...WebFields
}, { additionalProperties: false })

const DEFAULTS = {
  ...WEB_DEFAULTS,
  timeout: 10,
  expect_status: [200],
  on_down: 'warn' as const,
  state_file: 'data/website_status.json'
}

type SiteSettings = Settings<typeof Input, typeof DEFAULTS> & { url: string }
interface Check {
  up: boolean
  status: number | null
  ms: number
  bytes: number
  why: string | null
  url: string
  redirects: number
}
interface Last {
  up: boolean
  since: string
}

async function ask (settings: SiteSettings, signal: AbortSignal): Promise<Omit<Check, 'ms'>> {
  const answer = await fetchSafely({ url: settings.url, allowed: settings, signal })
  const { bytes, text } = await readBody(answer.body, BODY_LIMIT)
  const { status, url, redirects } = answer
  const why = !settings.expect_status.includes(status)
    ? `it answered ${status}`
    : settings.expect_text !== undefined && !text.includes(settings.expect_text)
    ? 'the expected text is missing'
    : null
  return { up: why === null, status, bytes, why, url, redirects }
}

async function check (ctx: TaskContext, settings: SiteSettings): Promise<Check> {
  const bound = AbortSignal.timeout(milliseconds(settings.timeout))
  const began = performance.now()
  const took = () => Math.round(performance.now() - began)
  try {
    return { ...await ask(settings, AbortSignal.any([ctx.signal, bound])), ms: took() }
  } catch (error) {
    ctx.signal.throwIfAborted()
    if (error instanceof RequestRefused) return ctx.fail(`${keyOf(ctx, 'url')} in config.json: ${error.message}`)
    const why = bound.aborted
      ? `no answer within ${spanWords(milliseconds(settings.timeout))}`
      : codeOf(error) || messageOf(error)
    return { up: false, status: null, bytes: 0, why, url: settings.url, redirects: 0, ms: took() }
  }
}

async function readStates (folder: Folder, name: string): Promise<Map<string, Last>> {
  const text = await readWhole(folder, name, BODY_LIMIT)
  try {
    return new Map(Object.entries(JSON.parse(text ?? '{}') as Record<string, Last>))
  } catch {
    return new Map()
  }
}

/** Stores whether the page is up and since when. Returns the previous state. */
async function remember (
  ctx: TaskContext,
  settings: SiteSettings,
  { up, now }: { up: boolean, now: string }
): Promise<Last | null> {
  const refused = (error: unknown) =>
    error instanceof PathRefused
      ? ctx.fail(`${keyOf(ctx, 'state_file')} in config.json: ${error.message}`)
      : Promise.reject(error)
  const path = await (async () => resolve(expandPath(settings.state_file)))().catch(refused)
  await checkFileToWrite(ctx, path).catch(refused)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const folder = await openFolder(dirname(path))
  try {
    const states = await readStates(folder, basename(path))
    const last = states.get(settings.url) ?? null
    if (last?.up !== up) {
      states.set(settings.url, { up, since: now })
      await writeWhole(folder, basename(path), JSON.stringify(Object.fromEntries(states), null, 2))
    }
    return last
  } finally {
    await folder.close()
  }
}

async function checkWebsite (ctx: TaskContext): Promise<unknown> {
  const given = settingsOf(ctx, Input, DEFAULTS)
  if (given.url === undefined) return ctx.skip(`No page is configured: set ${keyOf(ctx, 'url')} in config.json`)
  const settings = { ...given, url: given.url }
  const found = await check(ctx, settings)
  const now = new Date().toISOString()
  const last = await remember(ctx, settings, { up: found.up, now })
  const changed = last !== null && last.up !== found.up
  const result = {
    ...found,
    changed,
    since: last === null || changed ? now : last.since,
    before: changed ? { up: last.up, since: last.since } : null
  }
  ctx.log.info({ url: settings.url, up: found.up, status: found.status, ms: found.ms, changed }, 'website checked')
  if (!found.up) {
    const sentence = `${settings.url} is down: ${found.why}`
    return settings.on_down === 'fail' ? Promise.reject(new Error(sentence)) : ctx.warn(sentence, result)
  }
  const slow = settings.slow_after !== undefined && found.ms > milliseconds(settings.slow_after)
  return slow ? ctx.warn(`${settings.url} took ${spanWords(found.ms)}`, result) : result
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'check_website_status',
  name: 'Check a website',
  description: 'Requests a page, measures the answer, and reports when it goes down or comes back.',
  func: checkWebsite,
  trigger: 'interval',
  trigger_args: { hours: 1 },
  enabled: false,
  max_retries: 1,
  timeout: 60,
  type: 'check',
  tags: ['network'],
  payload: DEFAULTS,
  input: Input
}]
