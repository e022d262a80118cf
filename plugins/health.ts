import Type from 'typebox'
import { OPEN, READ } from './_http/scope.ts'
import { Trouble } from './_schema/machine.ts'
import { Instant, answers, exactly, nullable, word } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const Fault = exactly({
  code: Type.String(),
  message: Type.String(),
  fix: nullable(Type.String()),
  where: nullable(Type.String())
})
const Held = {
  runs: Type.Array(exactly({ id: Type.String(), task: Type.String() }), { description: 'Whose functions held it' }),
  exact: Type.Boolean({ description: 'False: each of them may have' }),
  where: nullable(Type.String({ description: 'The place in the code' }))
}
const Health = exactly({
  status: word(['ok', 'degraded', 'failed']),
  reasons: Type.Array(Type.String(), { description: 'Why it is not ok' }),
  version: Type.String(),
  state: word(['stopped', 'starting', 'started', 'stopping']),
  started_at: nullable(Instant),
  uptime: nullable(Type.Number({ description: 'Seconds' })),
  engine: exactly({
    ok: Type.Boolean(),
    kind: Type.String(),
    last_write_ms: nullable(Type.Number()),
    bytes: nullable(Type.Integer()),
    reason: nullable(Type.String()),
    mended: Type.Optional(exactly({
      count: Type.Integer(),
      rows: Type.Array(exactly({ table: Type.String(), row: Type.String(), message: Type.String() }))
    }, {
      description:
        'Rows that were out of range when the store was opened, the first of them by name: mended, failed or removed'
    }))
  }),
  scheduler: exactly({
    last_pass_at: nullable(Instant),
    age: nullable(Type.Number({ description: 'Seconds since work was last looked for' })),
    next_at: nullable(Instant),
    lag: Type.Number({ description: 'Seconds by which the next fire is overdue' })
  }),
  sensors: exactly({ ok: Type.Boolean(), troubles: Type.Array(Trouble) }, {
    description: 'What cannot be told of the machine; it leaves the status as it is'
  }),
  calls: exactly({
    ok: Type.Boolean(),
    failing: Type.Array(
      exactly({ call: Type.String(), message: Type.String(), failures: Type.Integer(), since: Instant })
    )
  }, { description: 'Calls of the engine that have failed and have not worked since' }),
  schedules: exactly({
    ok: Type.Boolean(),
    failing: Type.Integer({ description: 'How many cannot be read, planned or fired' }),
    faults: Type.Array(exactly({
      schedule: Type.String(),
      task: Type.String(),
      code: nullable(Type.String()),
      message: Type.String(),
      since: Instant,
      failures: Type.Integer({ description: 'In a row' }),
      retry_at: nullable(Instant)
    }), { description: 'The first of them; retry_at null: only another definition helps' })
  }),
  listeners: exactly({
    ok: Type.Boolean(),
    troubles: Type.Array(
      exactly({ listener: Type.String(), failures: Type.Integer(), message: Type.String(), at: Instant })
    )
  }, { description: 'Listeners that have thrown; it leaves the status as it is' }),
  loop: exactly({
    ok: Type.Boolean(),
    standing: nullable(exactly({ seconds: Type.Integer(), ...Held })),
    stood: Type.Array(exactly({ seconds: Type.Integer(), at: Instant, ...Held }))
  }, {
    description:
      'When the event loop was blocked in the last hour; while it is, a stand-in answers with status, reasons and loop'
  }),
  tasks: Type.Integer(),
  running: Type.Integer(),
  broken: Type.Array(Fault, { description: 'Task files that are not in force' }),
  config: exactly({ ok: Type.Boolean(), files: Type.Array(Type.String()), error: nullable(Fault) }),
  io: exactly({
    ok: Type.Boolean(),
    stuck: Type.Array(
      exactly({
        run: nullable(Type.String()),
        task: nullable(Type.String()),
        seconds: Type.Integer({ description: 'Since it was asked' })
      })
    )
  }, { description: 'Runs for which a file system has not answered for 10 seconds; run null: offpeak itself' }),
  security: exactly({
    ok: Type.Boolean(),
    findings: Type.Array(
      exactly({
        subject: word(['root', 'config', 'tasks', 'data', 'token']),
        message: Type.String(),
        fix: nullable(Type.String())
      })
    )
  }, { description: 'Files that others may read or change, and root; it leaves the status as it is' })
})
const Word = exactly({ status: Type.String() })
const open = { config: OPEN }

/** Liveness, readiness and health. `/livez` and `/readyz` need no token. */
const health: Plugin = async app => {
  const { manager } = app
  const tags = ['health']

  app.get('/livez', { ...open, schema: { tags, response: answers({ 200: Word }) } }, async () => ({ status: 'ok' }))

  app.get('/readyz', { ...open, schema: { tags, response: { 200: Word, 503: Word } } },
    async (_request, reply) =>
      manager.state === 'started' ? { status: 'ok' } : await reply.code(503).send({ status: manager.state }))

  app.get('/api/health', { config: READ, schema: { tags, response: { ...answers({ 200: Health }), 503: Health } } },
    async (_request, reply) => {
      const answer = await manager.health()
      return await reply.code(answer.status === 'failed' ? 503 : 200).send(answer)
    })
}

export default named('offpeak-health', health)
