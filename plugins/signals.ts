import fp from 'fastify-plugin'
import Type from 'typebox'
import { READ, RUN } from './_http/scope.ts'
import type { Face } from './_schema/base.ts'
import { DurationSchema, milliseconds, signalInvalid, signalNotFound, signalView } from '../core/index.ts'
import { Signal, Value } from './_schema/machine.ts'
import { answers, exactly } from './_schema/base.ts'

const NameIn = exactly({ name: Type.String({ minLength: 1, maxLength: 100 }) })
const SignalIn = exactly({
  value: Value,
  ttl: Type.Optional({
    ...DurationSchema,
    description: 'How long it counts; needed unless config.json declares the signal'
  })
})

/** Values from outside that tasks may ask for: price, solar, presence. */
const signals: Face = async app => {
  const { manager } = app
  const tags = ['signals']
  const setBy = new Map<string, string>()
  const record = (subject: string, by: string, action: string) =>
    manager.engine.record({ at: manager.clock.now(), by, action, subject, detail: null })
  // What waits for a signal need not wait for the next sample.
  const changed = () => manager.conditions.signal(manager.senses.latest.signals, manager.clock.now())

  app.get('/api/signals', { config: READ, schema: { tags, response: answers({ 200: Type.Array(Signal) }) } },
    async () =>
      Object.entries(manager.senses.latest.signals)
        .filter(([, signal]) => signal.expires_at > manager.clock.now())
        .map(([name, signal]) => signalView(name, signal)))

  app.put('/api/signals/:name', {
    config: RUN,
    schema: { tags, params: NameIn, body: SignalIn, response: answers({ 200: Signal }) }
  }, async ({ params: { name }, body: { value, ttl }, by }) => {
    if (ttl === undefined && !Object.hasOwn(manager.config.signals, name)) {
      throw signalInvalid({
        pointer: '/ttl',
        message:
          `'ttl' is missing: say how long the value counts, such as "1h", or declare signals.${name} in config.json`
      })
    }
    const signal = manager.senses.setSignal(name, value, ttl === undefined ? undefined : milliseconds(ttl))
    changed()
    await manager.senses.stored?.()
    // A price that comes every minute is told once: who sets it, until somebody else does.
    if (setBy.get(name) !== by) await record(name, by, 'signal')
    setBy.set(name, by)
    // Names that nobody sets any more are forgotten with their signals.
    for (const known of setBy.keys()) if (!Object.hasOwn(manager.senses.latest.signals, known)) setBy.delete(known)
    return signalView(name, signal)
  })

  app.delete('/api/signals/:name', {
    config: RUN,
    schema: { tags, params: NameIn, response: answers({ 204: Type.Null() }) }
  }, async ({ params: { name }, by }, reply) => {
    if (!manager.senses.dropSignal(name)) throw signalNotFound(name)
    changed()
    await manager.senses.stored?.()
    setBy.delete(name)
    await record(name, by, 'signal_dropped')
    return await reply.code(204).send(null)
  })
}

export default fp(signals, { fastify: '5.x', name: 'offpeak-signals' })
