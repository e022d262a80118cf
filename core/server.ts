import { fileURLToPath } from 'node:url'
import { readdir } from 'node:fs/promises'
import fp from 'fastify-plugin'
import type { FastifyBaseLogger, FastifyInstance, FastifyPluginAsync, FastifyPluginCallback,
  FastifyReply } from 'fastify'
import type { Socket } from 'node:net'
import { SECOND } from './model/base/duration.ts'
import { compilersFactory } from './compilers.ts'
import { createManager } from './manager.ts'
import { faceOf } from './face.ts'
import { keepRoom } from './sockets.ts'
import { ensureToken, refuseExposed } from './token.ts'
import { problemOf } from './model/view/problem.ts'
import { refuseLoosePlugins } from './security.ts'
import { requestInvalid } from './model/errors/request-errors.ts'
import type { ManagerOptions, TaskManager } from './manager.ts'
import type { Problem } from './model/view/problem.ts'
import type { Token } from './token.ts'

declare module 'fastify' {
  interface FastifyInstance {
    manager: TaskManager
    /** What plugins need to know about the server: its token, and whether offpeak has the app for itself. */
    host: { readonly token: string, readonly alone: boolean, readonly unhurried: Unhurried }
  }
}

/** Sockets whose requests may exceed the time limits. The plugin that adds one enforces its own limit, and removes the
 *  socket when the request is answered. */
type Unhurried = WeakSet<object>

type Env = Readonly<Record<string, string | undefined>>

interface ServerOptions {
  manager: TaskManager
  logger?: FastifyBaseLogger | undefined
  /** Where OFFPEAK_TOKEN and OFFPEAK_TOKEN_FILE are read. */
  env?: Env | undefined
}

/** An existing manager, or the options of a new one. `prefix`: of every route. */
type OffpeakOptions = (ManagerOptions | { manager: TaskManager, env?: Env | undefined }) & {
  prefix?: string | undefined
}

const MIB = 2 ** 20
const STARTING = 120 * SECOND
const CUT_AFTER = 1500
const PLUGINS = new URL('../plugins/', import.meta.url)
// An import of it would load all that it can do, a client of HTTP and WebSocket too.
const { STATUS_CODES } = process.getBuiltinModule('node:http')
const META = Symbol.for('plugin-meta')

type Plugin = FastifyPluginAsync & { [META]?: { name: string, dependencies?: string[] } }

/** Files and folders whose names begin with `_` are not plugins. */
const isPlugin = (name: string) => /^[^_.].*\.(?:ts|js)$/.test(name) && !name.endsWith('.d.ts')

/** The plugin that answers errors: those of routes that are registered before it would have Fastify's own form. */
const ERRORS = 'offpeak-problems'

/** Sorts plugins by name, each after its dependencies, and the one for errors first. */
function ordered (plugins: readonly Plugin[]): Plugin[] {
  const names = new Set(plugins.map(plugin => plugin[META]?.name))
  const placed: Plugin[] = []
  const isPlaced = (name: string) => !names.has(name) || placed.some(plugin => plugin[META]?.name === name)
  const left = [...plugins]
  while (left.length > 0) {
    const next = left.findIndex(plugin =>
      (plugin[META]?.dependencies ?? []).every(isPlaced) && (plugin[META]?.name === ERRORS || isPlaced(ERRORS))
    )
    placed.push(...left.splice(Math.max(0, next), 1))
  }
  return placed
}

async function pluginsIn (folder: URL, trusted: boolean): Promise<Plugin[]> {
  const names = (await readdir(folder)).filter(isPlugin).toSorted()
  if (!trusted) await refuseLoosePlugins(fileURLToPath(folder), names)
  // Each import() walks its dependency graph, which is nearly the same for every plugin. One import of all plugins
  // walks it once.
  const lines = names.map((name, place) =>
    `export { default as plugin${place} } from ${JSON.stringify(new URL(name, folder).href)}`
  )
  const plugins = await import(`data:text/javascript,${encodeURIComponent(lines.join('\n'))}`) as Record<string, Plugin>
  return ordered(names.map((_, place) => plugins[`plugin${place}`]!))
}

const tokenAsk = (manager: TaskManager, env: Env) => ({
  folder: manager.folder,
  root: manager.root,
  server: manager.config.server,
  env
})

type EmbedOptions = OffpeakOptions & { alone?: boolean, unhurried?: Unhurried }

async function embed (
  app: FastifyInstance,
  { prefix = '', alone = false, unhurried = new WeakSet(), ...options }: EmbedOptions
): Promise<void> {
  const manager = 'manager' in options ? options.manager : await createManager(options)
  const token = await ensureToken(tokenAsk(manager, options.env ?? process.env))
  const plugins = await pluginsIn(PLUGINS, manager.config.security.accept_loose_files !== null)
  // Plugins see the narrow face; the embedding app sees the whole manager.
  const face = faceOf(manager) as TaskManager
  app.decorate('manager', manager)
  app.addHook('onReady', () => manager.start())
  app.addHook('preClose', async () => manager.quiesce())
  app.addHook('onClose', () => manager.stop())
  await app.register(async inner => {
    inner.decorate('manager', face)
    inner.decorate('host', { token: token.value, alone, unhurried })
    for (const plugin of plugins) await inner.register(plugin)
  }, { prefix })
}

/** offpeak inside another fastify app: decorates it with `manager`, which starts and stops with it. The hooks of the
 *  plugins do not affect other routes. */
export const offpeak: FastifyPluginCallback<OffpeakOptions> = fp<OffpeakOptions>(embed, {
  name: 'offpeak',
  fastify: '5.x'
})

const rawAnswer = (problem: Problem) => {
  const { status } = problem
  const body = JSON.stringify(problem)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: ${
    Buffer.byteLength(body)
  }\r\nContent-Type: application/problem+json\r\nConnection: close\r\n\r\n${body}`
}

const RAW: Record<string, { code: string, status: number, message: string }> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'OFFPEAK_REQUEST_TIMEOUT',
    status: 408,
    message: 'The request was not complete in time'
  },
  HPE_HEADER_OVERFLOW: { code: 'OFFPEAK_HEADERS_TOO_LARGE', status: 431, message: 'The headers are too large' }
}
const NO_REQUEST = { message: 'This is not an HTTP request' }

/** Answers malformed and slow requests, and closes the connection. */
const refuseRaw = (unhurried: Unhurried) => (error: NodeJS.ErrnoException, socket: Socket): void => {
  const { code = '' } = error
  if (code === 'ECONNRESET' || socket.destroyed || (code === 'ERR_HTTP_REQUEST_TIMEOUT' && unhurried.has(socket))) {
    return
  }
  if (socket.writable) socket.write(rawAnswer(problemOf(requestInvalid(RAW[code] ?? NO_REQUEST), '/')))
  socket.destroy(error)
}

/** A fastify app with all plugins of plugins/, not listening yet. Throws OFFPEAK_START_REFUSED when others could reach
 *  it without a configured token. */
export async function createServer ({ manager, logger, env = process.env }: ServerOptions): Promise<FastifyInstance> {
  const { server } = manager.config
  const unhurried: Unhurried = new WeakSet()
  refuseExposed(tokenAsk(manager, env))
  // Loaded here because an app that only registers the plugin may bring another copy of fastify.
  const { default: fastify, LogController } = await import('fastify')
  const app = fastify({
    ...logger ? { loggerInstance: logger } : {},
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: server.trust_proxy,
    bodyLimit: MIB,
    schemaController: { compilersFactory },
    routerOptions: { maxParamLength: 200 },
    requestTimeout: 30 * SECOND,
    connectionTimeout: 60 * SECOND,
    keepAliveTimeout: 10 * SECOND,
    pluginTimeout: STARTING,
    // Its own answer is no problem of RFC 9457; a request that comes while the server ends is answered as long as it
    // can be.
    return503OnClosing: false,
    http: { headersTimeout: 10 * SECOND, connectionsCheckingInterval: 2 * SECOND },
    clientErrorHandler: refuseRaw(unhurried),
    frameworkErrors: (error, request, reply: FastifyReply) => {
      const problem = problemOf(error, request.url)
      void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
    }
  })
  keepRoom(app.server)
  app.server.on('timeout', socket => {
    if (!unhurried.has(socket)) socket.destroy()
  })
  // Idle connections are closed at once, active ones after a short time, so that they cannot keep the process alive.
  app.addHook('preClose', async () => void setTimeout(() => app.server.closeAllConnections(), CUT_AFTER).unref())
  const own: EmbedOptions = { manager, env, alone: true, unhurried }
  await app.register(offpeak, own)
  return app
}

/** The token for requests to the server of this manager, created on first use. */
export const serverToken = (manager: TaskManager, env: Env = process.env): Promise<Token> =>
  ensureToken(tokenAsk(manager, env))
