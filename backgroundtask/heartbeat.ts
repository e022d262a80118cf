import { uptime } from 'node:os'
import { Type } from 'typebox'
import { DurationSchema, milliseconds, spanWords } from '../core/index.ts'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { codeOf, messageOf, settingsOf } from './_task/settings.ts'
import { WEB_DEFAULTS, WebFields, fetchSafely } from './_net/web.ts'

const Input = Type.Object({
  ping_url: Type.Optional(
    Type.String({
      description: 'Requested at every heartbeat, so that a monitoring service notices when they stop',
      configured: true
    })
  ),
  ping_timeout: Type.Optional(DurationSchema),
  ...WebFields
}, { additionalProperties: false })

const DEFAULTS = { ...WEB_DEFAULTS, ping_timeout: 5 }

/** Sends the ping and returns `ok` or what went wrong. Throws only when the run is stopped: a failed ping does not fail
 *  the heartbeat. */
async function ping (
  ctx: TaskContext,
  { url, allowed, boundMs }: { url: string, allowed: typeof WEB_DEFAULTS, boundMs: number }
): Promise<string> {
  try {
    const { status, body } = await fetchSafely({
      url,
      allowed,
      signal: AbortSignal.any([ctx.signal, AbortSignal.timeout(boundMs)])
    })
    body.destroy()
    return status < 300 ? 'ok' : `answered ${status}`
  } catch (error) {
    ctx.signal.throwIfAborted()
    return error instanceof Error && error.name === 'AbortError'
      ? 'no answer in time'
      : codeOf(error) || messageOf(error)
  }
}

async function heartbeat (ctx: TaskContext): Promise<unknown> {
  const { ping_url: url, ping_timeout: bound, ...allowed } = settingsOf(ctx, Input, DEFAULTS)
  const result = {
    uptime: Math.round(process.uptime()),
    machine_uptime: Math.round(uptime()),
    memory_mb: Math.round(process.memoryUsage.rss() / 1024 ** 2)
  }
  ctx.log.info(result, `up for ${spanWords(process.uptime() * 1000)}`)
  if (url === undefined) return result
  const answer = await ping(ctx, { url, allowed, boundMs: milliseconds(bound) })
  return answer === 'ok'
    ? { ...result, ping: answer }
    : ctx.warn(`The ping did not arrive: ${answer}`, { ...result, ping: answer })
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'heartbeat',
  name: 'Heartbeat',
  description: 'Logs every hour that offpeak is alive, and pings a monitoring service if one is configured.',
  func: heartbeat,
  trigger: 'interval',
  trigger_args: { hours: 1 },
  enabled: true,
  run_on_start: true,
  max_retries: 0,
  timeout: 30,
  type: 'check',
  priority: 'low',
  tags: ['health'],
  // It is most useful when the disk is full.
  constraints: { disk_free: 0 },
  payload: DEFAULTS,
  input: Input
}]
