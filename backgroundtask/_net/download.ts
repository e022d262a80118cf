import type { FileHandle } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Allowed } from './address.ts'
import type { Folder, Identity } from '../_files/folder.ts'
import { writeWhole } from '../_files/whole.ts'
import { sameFile } from '../_files/folder.ts'
import type { Answer, Resolve } from './web.ts'
import { fetchSafely } from './web.ts'
import { AnswerRefused, bodyOf, codingOf, conditions, rangeOf, refuse, startOf, stateFrom,
  stateOf } from './remote-file.ts'
import type { State } from './remote-file.ts'

const IDLE_MS = 60_000

/** The file is larger than `maxBytes`. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge'
}

interface Download {
  url: string
  folder: Folder
  name: string
  headers: OutgoingHttpHeaders
  allowed: Allowed
  maxBytes: number
  signal: AbortSignal
  idleMs?: number
  resolve?: Resolve
  breathe: () => Promise<void>
  onTotal: (bytes: number) => void
  onBytes: (done: number) => void
}

/** The result of a download. `resumed_from`: the number of bytes that an earlier attempt had fetched. */
export type Fetched = { kind: 'same' } | { kind: 'fetched', bytes: number, sha256: string, changed: boolean,
  resumed_from: number, etag: string | null, last_modified: string | null }

const sizeOf = async (folder: Folder, file: string): Promise<number> => {
  const stat = await folder.stat(file)
  if (stat !== null && !stat.isFile()) throw new Error(`'${file}' in ${folder.path} is not a file`)
  return stat?.size ?? 0
}

async function take (
  ask: Download,
  { answer, out, start }: { answer: Answer, out: FileHandle, start: number }
): Promise<number> {
  const coding = codingOf(ask, answer)
  if (coding !== null && start > 0) {
    throw new AnswerRefused({
      status: 206,
      message: 'The server compressed a part of the file, although the request excludes that'
    })
  }
  const body = bodyOf(coding, answer)
  const length = coding === null ? Number(answer.headers['content-length'] ?? Number.NaN) : Number.NaN
  const tooLarge = () => new TooLarge(`The file is larger than ${ask.maxBytes} bytes`)
  if (start + length > ask.maxBytes) throw tooLarge()
  if (Number.isFinite(length)) ask.onTotal(start + length)
  await out.truncate(start)
  let done = start
  for await (const chunk of body) {
    await ask.breathe()
    if (done + chunk.length > ask.maxBytes) throw tooLarge()
    for (let at = 0; at < chunk.length;) at += (await out.write(chunk, at, chunk.length - at, done + at)).bytesWritten
    done += chunk.length
    ask.onBytes(done)
  }
  const { total = done } = rangeOf(answer)
  if (done !== total) throw new Error(`The server sent ${done} of ${total} bytes`)
  return done
}

async function hashOf (file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

async function openPart (folder: Folder, file: string): Promise<FileHandle> {
  const there = await folder.stat(file)
  if (there?.isFile()) return folder.edit(file)
  await folder.remove(file)
  await folder.create(file).then(made => made.close())
  return folder.edit(file)
}

/** A part that was decompressed cannot be resumed by a range of the server. */
const UNJOINABLE = { etag: null, last_modified: null }

interface Filled {
  bytes: number
  sha256: string
  identity: Identity
}

/** Writes the answer to the part, and returns its size and hash. After an interruption the part stays for the next
 *  attempt. */
async function fill (
  ask: Download,
  { answer, files, start }: { answer: Answer, files: Files, start: number }
): Promise<Filled> {
  // The old part is removed before the new validator is stored, so that a crash in between does not pair them.
  if (start === 0) await ask.folder.remove(files.part)
  await writeWhole(ask.folder, files.partState,
    JSON.stringify({ ...stateFrom(ask.url, answer), ...(codingOf(ask, answer) === null ? {} : UNJOINABLE) }))
  const out = await openPart(ask.folder, files.part)
  try {
    const bytes = await take(ask, { answer, out, start })
    const sha256 = await hashOf(out)
    const there = await ask.folder.stat(ask.name)
    if (there !== null) await out.chmod(there.mode & 0o777)
    await out.sync()
    const { dev, ino } = await out.stat()
    return { bytes, sha256, identity: { dev, ino } }
  } finally {
    answer.body.destroy()
    await out.close()
  }
}

interface Files {
  part: string
  partState: string
  state: string
}

async function drop (folder: Folder, { part, partState }: Files): Promise<void> {
  await folder.remove(part)
  await folder.remove(partState)
}

async function request (ask: Download, extra: OutgoingHttpHeaders): Promise<Answer> {
  return fetchSafely({
    url: ask.url,
    headers: { ...ask.headers, ...extra },
    allowed: ask.allowed,
    signal: ask.signal,
    idleMs: ask.idleMs ?? IDLE_MS,
    ...(ask.resolve === undefined ? {} : { resolve: ask.resolve })
  })
}

/** Fetches a URL to a file if it has changed. The file is replaced as a whole. A part of an earlier attempt is resumed
 *  if the server confirms that it is still valid. Throws AnswerRefused, TooLarge, and errors of network and disk. */
export async function download (ask: Download): Promise<Fetched> {
  const { folder, name, url } = ask
  const files: Files = { part: `.${name}.part`, partState: `.${name}.part.json`, state: `.${name}.sync.json` }
  const [bytes, known] = [await sizeOf(folder, name), await stateOf(folder, { file: files.state, url })]
  // If the file was changed or removed by hand, it is fetched again.
  const have = known !== null && known.bytes === bytes && await folder.stat(name) !== null ? known : null
  const part = await stateOf(folder, { file: files.partState, url })
  const partBytes = part === null ? 0 : await sizeOf(folder, files.part)
  const answer = await request(ask, conditions({ have, part, partBytes }))
  if (answer.status === 304) {
    answer.body.destroy()
    if (have === null) {
      throw new AnswerRefused({
        status: 304,
        message: 'The server answered 304 to an unconditional request'
      })
    }
    await drop(folder, files)
    return { kind: 'same' }
  }
  const start = answer.status === 200 || answer.status === 206 ? startOf(answer, { part, partBytes }) : null
  if (start === null) {
    answer.body.destroy()
    if (answer.status === 206 || answer.status === 416) await drop(folder, files)
    return refuse(answer)
  }
  return finish(ask, { answer, files, start, have })
}

async function finish (
  ask: Download,
  { answer, files, start, have }: { answer: Answer, files: Files, start: number, have: State | null }
): Promise<Fetched> {
  const { folder, name, url } = ask
  const { identity, ...filled } = await fill(ask, { answer, files, start }).catch(async (error: unknown) => {
    if (error instanceof TooLarge || error instanceof AnswerRefused) await drop(folder, files)
    throw error
  })
  const part = await folder.stat(files.part)
  if (part === null || !sameFile(part, identity)) throw new Error(`Another run is fetching '${name}'`)
  await folder.rename(files.part, name)
  await folder.sync()
  const state = { ...stateFrom(url, answer), ...filled }
  await writeWhole(folder, files.state, JSON.stringify(state))
  await folder.remove(files.partState)
  return {
    kind: 'fetched',
    ...filled,
    changed: have?.sha256 !== filled.sha256,
    resumed_from: start,
    etag: state.etag,
    last_modified: state.last_modified
  }
}
