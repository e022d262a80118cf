import Type from 'typebox'
import { READ, RUN } from './_http/scope.ts'
import { DurationSchema, milliseconds, signalView } from '../core/index.ts'
import { Signal, Value } from './_schema/machine.ts'
import { answers, exactly } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const NameIn = exactly({ name: Type.String({ minLength: 1, maxLength: 100 }) })
const SignalIn = exactly({
  value: Value,
  ttl: Type.Optional({
    ...DurationSchema,
    description: 'How long the value is valid; required unless config.json declares the signal'
  })
}, { examples: [{ value: 0.31, ttl: '1h' }] })

/** Signals: values from outside that tasks can require, such as a price. */
const signals: Plugin = async app => {
  const { machine } = app.manager
  const tags = ['signals']

  app.get('/api/signals', { config: READ, schema: { tags, response: answers({ 200: Type.Array(Signal) }) } },
    async () => Object.entries(machine.signals()).map(([name, signal]) => signalView(name, signal)))

  app.put('/api/signals/:name', {
    config: RUN,
    schema: { tags, params: NameIn, body: SignalIn, response: answers({ 200: Signal }) }
  }, async ({ params: { name }, body: { value, ttl }, by }) => {
    const ttlMs = ttl === undefined ? undefined : milliseconds(ttl)
    return signalView(name, await machine.setSignal(name, { value, ttlMs, by }))
  })

  app.delete('/api/signals/:name', {
    config: RUN,
    schema: { tags, params: NameIn, response: answers({ 204: Type.Null() }) }
  }, async ({ params: { name }, by }, reply) => {
    await machine.dropSignal(name, { by })
    return await reply.code(204).send(null)
  })
}

export default named('offpeak-signals', signals)
