import type { Gate } from '../conditions/gate.ts'
import { READ } from '../conditions/gate.ts'
import { nextStart, queueSettings, refilled, whole } from '../config/queue.ts'
import { milliseconds, spanWords } from '../base/duration.ts'

/** Closed while the queue runs as many runs as its concurrency allows. */
export const queue: Gate = ({ task, run, config, occupancy: { inUse } }) => {
  const name = run.queue ?? task?.queue ?? 'default'
  const { concurrency: most } = queueSettings(config.queues, name)
  if (most === undefined) return null
  const taken = inUse?.queues.get(name) ?? 0
  const ok = taken < most
  return {
    gate: 'queue',
    ok,
    code: ok ? 'ok' : 'queue_busy',
    message: `${taken} of ${most} runs of queue ${name} are running`,
    observed: taken,
    required: most,
    ...READ,
    source: `/queues/${name}/concurrency`
  }
}

/** Closed while the rate of the queue is used up. */
export const rate: Gate = ({ task, run, config, occupancy: { inUse }, now }) => {
  const name = run.queue ?? task?.queue ?? 'default'
  const { rate: limit } = queueSettings(config.queues, name)
  if (limit === undefined) return null
  const bucket = refilled(inUse?.buckets.get(name), limit, now)
  const left = whole(bucket)
  const next = nextStart(bucket, limit)
  const ok = left >= 1
  return {
    gate: 'rate',
    ok,
    code: ok ? 'ok' : 'queue_rate',
    message: ok
      ? `queue ${name} may start ${left} now`
      : `queue ${name} starts ${limit.limit} runs per ${spanWords(milliseconds(limit.per))}, next in ${
        spanWords(next - now)
      }`,
    observed: left,
    required: 1,
    clears_at: ok ? null : next,
    certain: true,
    source: `/queues/${name}/rate`
  }
}
