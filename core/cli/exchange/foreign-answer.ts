import { serverStrange } from '../../model/errors/request-errors.ts'
import { isOk } from './send.ts'
import type { Answer } from './send.ts'
import type { OffpeakError } from '../../model/errors/errors.ts'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const LIST = /^\/api\/(?:tasks|builtin|pauses|schedules|signals|queues|dead|tasks\/[^/]+\/next)$/
const RUN = /^\/api\/(?:runs\/[^/]+(?:\/(?:now|promote|cancel))?|tasks\/[^/]+\/runs)$/
const OF_SEVERAL = /^\/api\/runs\/(?:bulk|cancel|promote|retry|replay|delete|discard)$/
const PAGE = /^\/api\/(?:runs|records|stats|forecast|runs\/[^/]+\/logs)$/
const ADDS = ['/api/pauses', '/api/schedules', '/api/runs']

/** True when a response body has the outline that offpeak gives to responses of this path. */
function isLikely (method: string, path: string, body: unknown): boolean {
  if (LIST.test(path) && method === 'GET') {
    return Array.isArray(body) && body.every(one => isRecord(one) || typeof one === 'string')
  }
  if (!isRecord(body)) return Array.isArray(body) && path.startsWith('/api/queues/')
  if (RUN.test(path) && !OF_SEVERAL.test(path) || ADDS.includes(path) && method === 'POST') {
    return typeof body.id === 'string' || typeof body.scope === 'string'
  }
  if (PAGE.test(path)) return Array.isArray(body.items)
  if (path.endsWith('/why')) return Array.isArray(body.gates)
  return path !== '/api/health' || Array.isArray(body.reasons)
}

const shortly = (text: string) => text.length > 200 ? `${text.slice(0, 200)}...` : text

/** What a response is, in words. */
function kindOf ({ status, headers }: Answer): string {
  const { location } = headers
  if (status >= 300 && status < 400 && location !== undefined) {
    return `HTTP ${status}, a redirect to ${shortly(location)}`
  }
  const type = headers['content-type']?.split(';')[0]
  return `HTTP ${status}, ${type ? `content of the type ${shortly(type)}` : 'content without a type'}`
}

interface Answered {
  url: string
  method: string
  path: string
  response: Answer
}

/** The body of a response: JSON, or null without a body. Throws OFFPEAK_SERVER_UNREACHABLE when it is not one of
 *  offpeak. A problem is returned as it is. */
export async function bodyOf ({ url, method, path, response }: Answered): Promise<unknown> {
  if (response.status === 204) return null
  const text = await response.text().catch(() => {
    throw serverStrange({ url, found: `HTTP ${response.status}, and the response breaks off` })
  })
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw serverStrange({ url, found: kindOf(response) })
  }
  const isOwn = isOk(response)
    ? isLikely(method, path.split('?')[0]!, body)
    : isRecord(body) && typeof body.code === 'string' && typeof (body.detail ?? body.message) === 'string'
  if (!isOwn) throw serverStrange({ url, found: isOk(response) ? 'other JSON' : kindOf(response) })
  return body
}

/** The error of a request that something answered, but not with HTTP that can be used; null: nothing is known to have
 *  answered. `cause`: the error of `node:http`. */
export function strangeAt (url: string, cause: unknown): OffpeakError | null {
  const code = String((cause as { code?: unknown }).code ?? '')
  if (code.startsWith('HPE_')) return serverStrange({ url, found: 'not HTTP' })
  if (code.startsWith('ERR_SSL_')) return serverStrange({ url, found: 'not TLS' })
  if (/CERT|^ERR_TLS/.test(code)) return serverStrange({ url, found: `its certificate is refused, ${code}` })
  return null
}
