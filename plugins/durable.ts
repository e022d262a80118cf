import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

const PATIENCE = 5000
/** Says of an answer that a power cut could still undo the end of a run which it tells of. */
const MARK = 'offpeak-durable'

/** Resolves to whether it came in time; rejects as `wait` does. */
async function inTime (wait: Promise<void>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), PATIENCE)
  return await Promise.race([wait.then(() => true), promise]).finally(() => clearTimeout(timer))
}

/** What is told as final is durable: an answer waits until the disk has confirmed every end of a run that was stored
 *  when it was put together. A disk that takes longer than five seconds keeps nobody waiting: the answer says so. */
async function durable (app: PluginApp) {
  const { manager } = app
  app.addHook('onSend', (request, reply, payload, done) => {
    const { url = '', config } = request.routeOptions
    const tells = url.includes('/api/') && !url.endsWith('/api/health') && config.scope !== 'open' &&
      reply.statusCode < 400
    const wait = tells ? manager.unconfirmed() : null
    if (wait === null) return done(null, payload)
    inTime(wait).then(confirmed => {
      if (!confirmed) reply.header(MARK, 'false')
      done(null, payload)
    }, done)
  })
}

export default named('offpeak-durable', durable)
