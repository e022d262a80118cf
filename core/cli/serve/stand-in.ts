import type { AddressInfo } from 'node:net'
import { VERSION } from '../../version.ts'
import { isLoopback, isProxied } from '../../token.ts'
import { serverToken } from '../../server.ts'
import type { createServer } from '../../server.ts'
import { listeningFile } from '../remote/find-server.ts'
import type { SignalPipe } from '../../work/watch/signal-pipe.ts'
import type { TaskManager } from '../../manager.ts'

type App = Awaited<ReturnType<typeof createServer>>

/** The number of the socket that a server listens on; -1 where it has none. */
// oxlint-disable-next-line no-underscore-dangle
const socketOf = (app: App): number => (app.server as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1

/** Lets the watcher of the event loop do in the place of the server, while that stands, what it cannot: end, and answer
 *  once it listens. `pipe`: where signals arrive. */
export async function updateStandIn (app: App, manager: TaskManager, pipe: SignalPipe | null): Promise<void> {
  const { host, trust_proxy: proxied, allowed_hosts: names } = manager.config.server
  const { value } = await serverToken(manager)
  const { address } = app.server.address() as AddressInfo | null ?? { address: host }
  manager.watch.own({
    fd: socketOf(app),
    token: value,
    pipe,
    version: VERSION,
    startedAt: manager.startedAt ?? Date.now(),
    local: isLoopback(host) && isLoopback(address) && !isProxied(proxied),
    names: ['localhost', '127.0.0.1', '[::1]', ...[host, ...names].map(name => name.toLowerCase())],
    listeningFile: listeningFile(manager.folder)
  })
}
