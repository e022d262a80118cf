import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'

/** The answer to a request; its body can be read once. */
export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  /** The body; rejects when it breaks off. */
  text(): Promise<string>
}

export interface StreamedAnswer extends Answer {
  /** The body piece by piece; no character is split. */
  pieces(): AsyncIterable<string>
}

/** `signal`: ends the request, and the body that is being read. */
interface Ask {
  method: string
  headers: OutgoingHttpHeaders
  body?: string | undefined
  signal: AbortSignal
}

export const isOk = ({ status }: Pick<Answer, 'status'>): boolean => status >= 200 && status < 300

async function* piecesOf (message: IncomingMessage, signal: AbortSignal): AsyncGenerator<string> {
  try {
    yield* message.setEncoding('utf8') as AsyncIterable<string>
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
}

async function joined (pieces: AsyncIterable<string>): Promise<string> {
  let all = ''
  for await (const piece of pieces) all += piece
  return all
}

/** The functions for a URL, of `node:http` or `node:https`. An import of `node:http` would load all of `fetch`, since
 *  it reads each of its members: a third of the time of a short command. */
export const portFor = (url: string): Pick<typeof import('node:http'), 'request'> =>
  process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http')

/** Sends a request, following no redirect. Rejects with the error of `node:http`, or the reason of the signal. */
export async function send (url: string, { method, headers, body, signal }: Ask): Promise<StreamedAnswer> {
  const { request } = portFor(url)
  const { promise, resolve, reject } = Promise.withResolvers<StreamedAnswer>()
  const sent = request(url, { method, headers, agent: false, signal })
  sent.on('response', message =>
    resolve({
      status: message.statusCode ?? 0,
      headers: message.headers,
      text: () => joined(piecesOf(message, signal)),
      pieces: () => piecesOf(message, signal)
    }))
  sent.on('error', error => reject(signal.aborted ? signal.reason : error))
  sent.end(body)
  return await promise
}
