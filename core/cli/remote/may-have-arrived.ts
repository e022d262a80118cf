import { connect } from 'node:net'
import { once } from 'node:events'

const CONNECT_MS = 1000

/** Error codes of a connection that was closed before the response arrived. */
const BROKEN_OFF = ['ECONNRESET', 'EPIPE']

/** True when something accepts connections at the URL. The system does so for a process with a blocked event loop
 *  too. */
async function isAccepting (url: string): Promise<boolean> {
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

/** True when a request without a response may have reached the server; `cause` is the error of `node:http`. */
export async function mayHaveArrived (url: string, cause: unknown): Promise<boolean> {
  const { name, code } = cause as { name?: string, code?: string }
  if (name === 'TimeoutError') return await isAccepting(url)
  return BROKEN_OFF.includes(code ?? '')
}
