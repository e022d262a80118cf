import Type from 'typebox'
import { Instant, exactly, nullable, word } from './base.ts'
import { Trouble } from './machine.ts'

const Fault = exactly({
  code: Type.String(),
  message: Type.String(),
  fix: nullable(Type.String()),
  where: nullable(Type.String())
}, { title: 'Fault' })
const Block = {
  runs: Type.Array(exactly({ id: Type.String(), task: Type.String() }), {
    description: 'The runs whose functions blocked it'
  }),
  exact: Type.Boolean({ description: 'False: any of these runs may have blocked it' }),
  where: nullable(Type.String({ description: 'File, line and column in the code' }))
}
/** The health of the server and of its parts. */
export const Health = exactly({
  status: word(['ok', 'degraded', 'failed']),
  reasons: Type.Array(Type.String(), { description: 'Why the status is not ok' }),
  version: Type.String(),
  state: word(['stopped', 'starting', 'started', 'stopping']),
  started_at: nullable(Instant),
  uptime: nullable(Type.Number({ description: 'Seconds' })),
  engine: exactly({
    ok: Type.Boolean(),
    kind: Type.String({ examples: ['sqlite'] }),
    last_write_ms: nullable(Type.Number()),
    bytes: nullable(Type.Integer()),
    reason: nullable(Type.String()),
    mended: Type.Optional(exactly({
      count: Type.Integer(),
      rows: Type.Array(exactly({ table: Type.String(), row: Type.String(), message: Type.String() }))
    }, {
      description: 'Rows that were invalid when the store was opened: mended, failed or removed; `rows` lists the first'
    }))
  }),
  scheduler: exactly({
    last_pass_at: nullable(Instant),
    age: nullable(Type.Number({ description: 'Seconds since the last pass' })),
    next_at: nullable(Instant),
    lag: Type.Number({ description: 'Seconds by which the next fire is overdue' })
  }),
  sensors: exactly({ ok: Type.Boolean(), troubles: Type.Array(Trouble) }, {
    description: 'Sensors that fail; they do not change the status'
  }),
  calls: exactly({
    ok: Type.Boolean(),
    failing: Type.Array(
      exactly({ call: Type.String(), message: Type.String(), failures: Type.Integer(), since: Instant })
    )
  }, { description: 'Calls of the engine that failed and have not succeeded since' }),
  schedules: exactly({
    ok: Type.Boolean(),
    failing: Type.Integer({ description: 'The number of schedules that cannot be read, planned or fired' }),
    faults: Type.Array(exactly({
      schedule: Type.String(),
      task: Type.String(),
      code: nullable(Type.String()),
      message: Type.String(),
      since: Instant,
      failures: Type.Integer({ description: 'Consecutive failures' }),
      retry_at: nullable(Instant)
    }), { description: 'The first of them; retry_at null: it is not retried until its definition changes' })
  }),
  listeners: exactly({
    ok: Type.Boolean(),
    troubles: Type.Array(
      exactly({ listener: Type.String(), failures: Type.Integer(), message: Type.String(), at: Instant })
    )
  }, { description: 'Listeners that threw an error; they do not change the status' }),
  loop: exactly({
    ok: Type.Boolean(),
    standing: nullable(exactly({ seconds: Type.Integer(), ...Block })),
    stood: Type.Array(exactly({ seconds: Type.Integer(), at: Instant, ...Block }))
  }, {
    description:
      'When the event loop was blocked in the last hour; a stand-in answers meanwhile, with status, reasons and loop'
  }),
  tasks: Type.Integer(),
  running: Type.Integer(),
  broken: Type.Array(Fault, { description: 'Task files that are broken and not in force' }),
  config: exactly({
    ok: Type.Boolean(),
    files: Type.Array(Type.String()),
    error: nullable(Fault),
    warnings: Type.Array(Fault, { description: 'Settings without effect; they do not change the status' })
  }),
  io: exactly({
    ok: Type.Boolean(),
    stuck: Type.Array(
      exactly({
        run: nullable(Type.String()),
        task: nullable(Type.String()),
        seconds: Type.Integer({ description: 'Seconds since the call began' })
      })
    )
  }, { description: 'Runs whose file system has not answered for 10 seconds; run null: offpeak itself' }),
  security: exactly({
    ok: Type.Boolean(),
    findings: Type.Array(
      exactly({
        subject: word(['root', 'config', 'tasks', 'data', 'token']),
        message: Type.String(),
        fix: nullable(Type.String())
      })
    )
  }, { description: 'Files that other users can read or change, and running as root; they do not change the status' })
}, { title: 'Health' })
