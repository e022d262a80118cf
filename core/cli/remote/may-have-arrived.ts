import { connect } from 'node:net'
import { once } from 'node:events'

const CONNECT_MS = 1000

/** Codes of a connection that was there and broke off before an answer came. */
const BROKEN_OFF = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT']

/** Whether something takes connections at an address: the system does that for a process whose event loop stands,
 *  too. */
async function isTaking (url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url)
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80)
  })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) })
    return true
  } catch {
    return false
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}

/** Whether a request that was not answered may have arrived all the same: `cause` is what `fetch` threw. */
export async function mayHaveArrived (url: string, cause: unknown): Promise<boolean> {
  const { name, cause: inner } = cause as { name?: string, cause?: { code?: string } }
  if (name === 'TimeoutError') return await isTaking(url)
  return BROKEN_OFF.includes(inner?.code ?? '')
}
