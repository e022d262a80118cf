import type { HealthAnswer } from './answers.ts'
import type { Problem } from '../../model/view/problem.ts'
import type { RemoteOptions } from './options.ts'
import type { SendAsk } from './send-bytes.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { serverForeign, serverSilent, serverUnreachable } from '../../model/errors/request-errors.ts'
import { SECOND } from '../../model/base/duration.ts'
import { GIVE_TOKEN, noteNoToken, noteWithheld } from './withheld.ts'
import { findServer, folderOf, userName } from './find-server.ts'
import { rememberLast } from './known-servers.ts'
import { serverElsewhere } from './elsewhere.ts'
import { announce } from './announce.ts'
import { bodyOf, strangeAt } from '../exchange/foreign-answer.ts'
import { isOk, send } from '../exchange/send.ts'
import { serverUrl } from '../exchange/server-url.ts'
import type { Answer, StreamedAnswer } from '../exchange/send.ts'
import { mayHaveArrived } from './may-have-arrived.ts'
import type { NoTokenReason } from './withheld.ts'

/** A problem. A server that embeds offpeak may use the form of Fastify, with `message`, instead. */
type Refusal = Problem & { message?: string }

const PATIENCE = 30 * SECOND

/** The JSON of a text; null for any other text. */
function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const tokenUnsendable = () =>
  usageInvalid('The token has a character that no token has, such as a line end', 'Copy it again, without quotes.')

const originOf = (url: string) => new URL(url).origin

/** Sends requests to a running server; throws an OffpeakError for each problem that it answers. */
export class Client {
  readonly url: string
  readonly #token: string | null
  readonly #by: string
  readonly #lack: NoTokenReason
  /** The folder of a configuration whose server is not known to run: the address is only the configured one. */
  #unknownIn: string | null = null

  private constructor (url: string, token: string | null, lack: NoTokenReason = null) {
    this.#lack = lack
    if (token === null) noteNoToken(lack)
    this.url = url.replace(/\/+$/, '')
    this.#token = token
    this.#by = `cli:${userName()}`.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 64)
  }

  /** Finds url and token: what was given, then OFFPEAK_URL and OFFPEAK_TOKEN, then the configuration and the data
   *  folder, and outside of such a folder what `serverElsewhere` finds, which it says. */
  static async find (given: RemoteOptions, env: NodeJS.ProcessEnv = process.env): Promise<Client> {
    const url = given.url ?? env.OFFPEAK_URL
    if (url !== undefined) serverUrl(given.url === undefined ? 'OFFPEAK_URL' : '--url', url)
    const token = given.token ?? env.OFFPEAK_TOKEN
    if (url !== undefined && token !== undefined) return new Client(url, token)
    const elsewhere = await serverElsewhere(given, env)
    if (elsewhere !== null) {
      announce(`offpeak: asking ${elsewhere.url} (${elsewhere.how})`)
      return new Client(elsewhere.url, given.token ?? elsewhere.token ?? env.OFFPEAK_TOKEN ?? null, elsewhere.lack)
    }
    const own = await findServer(given, env)
    if (own.place !== undefined && url === undefined) await rememberLast({ ...own.place, url: own.url }, env)
    // The token of this machine is not sent to another one.
    const isOwn = url === undefined || originOf(url) === originOf(own.url)
    if (token !== undefined || isOwn) {
      const client = token === undefined
        ? new Client(url ?? own.url, own.token, own.lack)
        : new Client(url ?? own.url, token)
      if (url === undefined && own.place === undefined && !own.barred) client.#unknownIn = folderOf(given, env)
      return client
    }
    return new Client(url, null, `that of this machine is not sent to another address, ${url}: ${GIVE_TOKEN}`)
  }

  get #own (): Record<string, string> {
    return { 'x-offpeak-by': this.#by, ...this.#token !== null && { authorization: `Bearer ${this.#token}` } }
  }

  async #ask (
    method: string,
    path: string,
    { body, signal = AbortSignal.timeout(PATIENCE) }: { body?: unknown, signal?: AbortSignal } = {}
  ): Promise<StreamedAnswer> {
    try {
      return await send(`${this.url}${path}`, {
        method,
        signal,
        headers: { ...this.#own, ...body !== undefined && { 'content-type': 'application/json' } },
        ...body !== undefined && { body: JSON.stringify(body) }
      })
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ERR_INVALID_CHAR') throw tokenUnsendable()
      if (!await mayHaveArrived(this.url, cause)) throw await this.#unreachable(cause)
      await this.#checkOwn(cause)
      throw serverSilent({ url: this.url, isWrite: method !== 'GET', cause })
    }
  }

  async #unreachable (cause: unknown): Promise<OffpeakError> {
    const strange = strangeAt(this.url, cause)
    if (strange !== null) await this.#checkOwn(cause)
    return strange ?? serverUnreachable({ url: this.url, cause })
  }

  /** Throws when the program at the address is not known to be the server of the folder. */
  async #checkOwn (cause?: unknown): Promise<void> {
    if (this.#unknownIn === null) return
    const { url } = this
    const { portOwner } = await import('../../sense/source/port-owner.ts')
    const owner = await portOwner(Number(new URL(url).port))
    throw serverForeign({ folder: this.#unknownIn, url, owner, cause })
  }

  async #answer<T> (method: string, path: string, response: Answer): Promise<T> {
    const answer = await bodyOf({ url: this.url, method, path, response }).catch(async (error: unknown) => {
      await this.#checkOwn()
      throw error
    })
    if (isOk(response)) {
      if (this.#token === null) noteWithheld(answer)
      return answer as T
    }
    const { code, detail, message = detail, fix: given, errors, file, line, column, pointer } = answer as Refusal
    if (response.status === 401) await this.#checkOwn()
    // The server cannot know why.
    const fix = response.status === 401 && this.#token === null && this.#lack !== null
      ? `No token was sent: ${this.#lack}.`
      : given
    throw new OffpeakError({
      code,
      status: response.status,
      message,
      fix,
      errors,
      file,
      line,
      column,
      pointer
    })
  }

  /** `patienceMs`: how long the answer may take. */
  async get<T> (path: string, patienceMs = PATIENCE): Promise<T> {
    return await this.#answer('GET', path, await this.#ask('GET', path, { signal: AbortSignal.timeout(patienceMs) }))
  }

  /** The health of the server. A failed server answers 503, as does the watcher of one whose event loop is blocked. */
  async health (): Promise<HealthAnswer> {
    const response = await this.#ask('GET', '/api/health')
    const text = await response.text().catch(() => null)
    const answer = parsed(text ?? '') as Partial<HealthAnswer> | null
    if (Array.isArray(answer?.reasons)) return answer as HealthAnswer
    const again = text === null ? response : { ...response, text: () => Promise.resolve(text) }
    return await this.#answer('GET', '/api/health', again)
  }

  async post<T> (path: string, body?: unknown): Promise<T> {
    return await this.#answer('POST', path, await this.#ask('POST', path, { body }))
  }

  /** Sends bytes as they are read, without a limit on the duration. */
  async upload<T> (path: string, source: Omit<SendAsk, 'url' | 'headers'>): Promise<T> {
    const { sendBytes } = await import('./send-bytes.ts')
    const response = await sendBytes({ ...source, url: `${this.url}${path}`, headers: this.#own }).catch(
      async cause => {
        throw await this.#unreachable(cause)
      }
    )
    return await this.#answer('POST', path, response)
  }

  /** The text of a response piece by piece, until the server ends it or the signal aborts. */
  async stream (path: string, signal: AbortSignal): Promise<AsyncIterable<string>> {
    const answer = await this.#ask('GET', path, { signal })
    const isStream = answer.headers['content-type']?.startsWith('text/event-stream') ?? false
    return isOk(answer) && isStream ? answer.pieces() : await this.#answer('GET', path, answer)
  }

  async patch<T> (path: string, body: unknown): Promise<T> {
    return await this.#answer('PATCH', path, await this.#ask('PATCH', path, { body }))
  }

  async put<T> (path: string, body: unknown): Promise<T> {
    return await this.#answer('PUT', path, await this.#ask('PUT', path, { body }))
  }

  async delete (path: string): Promise<void> {
    await this.#answer('DELETE', path, await this.#ask('DELETE', path))
  }
}
