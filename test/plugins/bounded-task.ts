import type { TaskDefinition } from '../../core/model/task/task.ts'

/** A task that returns its payload, with a bound of each kind on its settings. */
export const boundedTask = (root: string, more: object = {}): TaskDefinition => ({
  id: 'tidy',
  func: ctx => ctx.payload,
  max_retries: 0,
  payload: {
    root,
    exclude: ['keep'],
    dry_run: true,
    most: 10,
    age: '30d',
    allow: ['a.example', 'b.example'],
    smtp: { host: 'mail' }
  },
  input: {
    type: 'object',
    additionalProperties: false,
    configured: ['root'],
    properties: {
      root: { type: 'string', configured: 'within' },
      exclude: { type: 'array', items: { type: 'string' }, configured: 'more' },
      dry_run: { type: 'boolean', configured: true, configured_or: true },
      most: { type: 'number', configured: 'at_most' },
      age: { title: 'duration', type: ['number', 'string'], configured: 'at_least' },
      allow: { type: 'array', configured: 'some' },
      smtp: { type: 'object', configured: true },
      secret_file: { type: 'string', configured: true },
      file: { type: 'string', configured: 'within', uploads: true },
      note: { type: 'string' }
    }
  } as never,
  ...more
})
