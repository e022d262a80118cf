import { readlink, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { applyEdits, modify } from 'jsonc-parser'
import type { FormattingOptions } from 'jsonc-parser'
import { pointerOf } from '../../model/base/check.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { configConflict, configInvalid } from '../../model/errors/config-errors.ts'
import { etagOf, readBytes, readChecked } from './config.ts'
import { FORBIDDEN_KEYS, readDocument, withoutMark } from '../file/jsonc.ts'
import { writeAtomic } from '../file/atomic-write.ts'

const NEW_MODE = 0o644

/** One change: sets the value at the path, or removes it if the value is undefined. */
export interface ConfigEdit {
  path: (string | number)[]
  value: unknown
}

interface EditAsk {
  file: string
  edits: readonly ConfigEdit[]
  /** The entity tag that the file must still have. */
  ifMatch?: string | undefined
}

const waiting = new Map<string, Promise<unknown>>()

/** Edits of a file are serialised, so that each reads the result of the previous one. */
function inTurn<T> (file: string, work: () => Promise<T>): Promise<T> {
  const turn = (waiting.get(file) ?? Promise.resolve()).then(work, work)
  const settled = turn.then(() => undefined, () => undefined).then(() => {
    if (waiting.get(file) === settled) waiting.delete(file)
  })
  waiting.set(file, settled)
  return turn
}

/** The path of the file itself. A link is resolved, even if its target does not exist yet. */
async function targetOf (file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch {
    const link = await readlink(file).catch(() => null)
    return link === null ? resolve(file) : resolve(dirname(resolve(file)), link)
  }
}

function formatOf (text: string): FormattingOptions {
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? '  '
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n'
  }
}

function edited (text: string, { path, value }: ConfigEdit): string {
  const refused = (cause?: unknown) =>
    configInvalid({
      pointer: pointerOf(path),
      message: `The setting ${pointerOf(path) || '/'} cannot be changed`,
      cause
    })
  if (path.length === 0 || path.some(key => FORBIDDEN_KEYS.includes(String(key)))) throw refused()
  try {
    return applyEdits(text, modify(text, path, value, { formattingOptions: formatOf(text) }))
  } catch (cause) {
    throw refused(cause)
  }
}

async function apply ({ file, edits, ifMatch }: EditAsk): Promise<{ etag: string }> {
  const bytes = await readBytes(file)
  if (ifMatch !== undefined && ifMatch !== etagOf(bytes ?? '')) throw configConflict()
  const raw = bytes?.toString('utf8') ?? '{}\n'
  readDocument(raw, file)
  const mark = raw === withoutMark(raw) ? '' : raw[0]!
  const text = mark + edits.reduce(edited, withoutMark(raw))
  readChecked(text, file)
  const { mode } = await stat(file).catch(() => ({ mode: NEW_MODE & ~process.umask() }))
  await writeAtomic({ file, text, mode: mode & 0o777 }).catch(cause => {
    throw cause instanceof OffpeakError
      ? cause
      : configInvalid({
        file,
        message: `${file} cannot be written`,
        fix: 'Make its folder writable for offpeak.',
        cause
      })
  })
  return { etag: etagOf(text) }
}

/** Changes settings in a configuration file, and keeps comments and layout. The result is checked before it is written.
 *  Throws OFFPEAK_CONFIG_INVALID, or OFFPEAK_CONFIG_CONFLICT if the file does not match `ifMatch`. */
export async function editConfig (ask: EditAsk): Promise<{ etag: string }> {
  const file = await targetOf(ask.file)
  return inTurn(file, () => apply({ ...ask, file }))
}
