import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

const WAIT_MS = 5000
/** The header of a response with a run whose end a power failure could still undo. */
const MARK = 'offpeak-durable'

/** Resolves to true when `wait` resolves in time, false otherwise; rejects when `wait` rejects. */
async function inTime (wait: Promise<void>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), WAIT_MS)
  return await Promise.race([wait.then(() => true), promise]).finally(() => clearTimeout(timer))
}

/** Makes responses durable: each waits until every end of a run that it can show is on disk. After five seconds it is
 *  sent with `offpeak-durable: false`. */
async function durable (app: PluginApp) {
  const { manager } = app
  app.addHook('onSend', (request, reply, payload, done) => {
    const { url = '', config } = request.routeOptions
    const showsRuns = url.includes('/api/') && !url.endsWith('/api/health') && config.scope !== 'open' &&
      reply.statusCode < 400
    const wait = showsRuns ? manager.unconfirmed() : null
    if (wait === null) return done(null, payload)
    inTime(wait).then(confirmed => {
      if (!confirmed) reply.header(MARK, 'false')
      done(null, payload)
    }, done)
  })
}

export default named('offpeak-durable', durable)
