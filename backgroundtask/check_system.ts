import { Type } from 'typebox'
import { readSystem } from '../core/index.ts'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { settingsOf } from './_task/settings.ts'

const READ_MS = 5000

const Limit = Type.Optional(Type.Number({ minimum: 0, maximum: 100 }))

const Input = Type.Object({
  max_cpu: Limit,
  max_memory: Limit,
  max_disk: Limit,
  paths: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 50,
      description: 'The disks to check, each by any path on it',
      configured: 'some'
    })
  )
}, { additionalProperties: false })

const DEFAULTS = { max_cpu: 80, max_memory: 80, max_disk: 90, paths: ['/'] }

type Read = typeof readSystem

/** Reads the machine and warns of values above their limits. The result lists values that could not be read. */
export async function checkSystem (ctx: TaskContext, read: Read = readSystem): Promise<unknown> {
  const { max_cpu, max_memory, max_disk, paths } = settingsOf(ctx, Input, DEFAULTS)
  const reading = await read({ paths, timeoutMs: READ_MS })
  const judged = [
    { what: 'Processor', percent: reading.cpu_percent, limit: max_cpu },
    { what: 'Memory', percent: reading.memory_percent, limit: max_memory },
    ...reading.disks.map(({ path, percent }) => ({ what: `Disk of ${path}`, percent, limit: max_disk }))
  ]
  const high = judged.filter(({ percent, limit }) => percent !== 'unknown' && percent > limit)
  const unknown = judged.filter(({ percent }) => percent === 'unknown').map(({ what }) => what)
  const result = { ...reading, high: high.map(({ what }) => what), unknown }
  ctx.log.info({ cpu: reading.cpu_percent, memory: reading.memory_percent, disk: reading.disk_percent },
    'system checked')
  if (unknown.length === judged.length) throw new Error('No value of the machine could be read')
  if (high.length === 0) return result
  return ctx.warn(high.map(({ what, percent, limit }) => `${what} is at ${percent} %, over ${limit} %`).join('; '),
    result)
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'check_system',
  name: 'Check the system',
  description: 'Reads processor, memory and disks, and warns when one is nearly full.',
  func: ctx => checkSystem(ctx),
  trigger: 'interval',
  trigger_args: { minutes: 15 },
  enabled: true,
  run_on_start: true,
  max_retries: 1,
  timeout: 30,
  type: 'check',
  priority: 'low',
  tags: ['health'],
  // It is most useful when the disk is full.
  constraints: { disk_free: 0 },
  payload: DEFAULTS,
  input: Input
}]
