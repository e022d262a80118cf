import { hostname, uptime } from 'node:os'
import { Type } from 'typebox'
import { readSystem, spanWords } from '../core/index.ts'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { keyOf, settingsOf } from './_task/settings.ts'

const Line = Type.String({ minLength: 1, maxLength: 998, pattern: '^[^\\r\\n]*$' })

const Input = Type.Object({
  to: Type.Optional(Type.Union([Line, Type.Array(Line, { minItems: 1, maxItems: 100 })], { configured: 'some' })),
  subject: Type.Optional(Line),
  paths: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { maxItems: 50, configured: 'some' }))
}, { additionalProperties: false })

const DEFAULTS = { paths: ['/'] }

interface Reporter {
  report(): Promise<string>
}

const isReporter = (service: unknown): service is Reporter =>
  typeof (service as Partial<Reporter> | null | undefined)?.report === 'function'

const percentWords = (percent: number | 'unknown') => percent === 'unknown' ? percent : `${percent} %`

async function machineWords (paths: string[]): Promise<string> {
  const { cpu_percent, memory_percent, disks } = await readSystem({ paths })
  return [
    `Up for ${spanWords(uptime() * 1000)}`,
    `Processor ${percentWords(cpu_percent)}`,
    `Memory ${percentWords(memory_percent)}`,
    ...disks.map(({ path, percent }) => `Disk of ${path} ${percentWords(percent)}`)
  ].join('\n')
}

async function sendDailyReports (ctx: TaskContext): Promise<unknown> {
  const { to, subject, paths } = settingsOf(ctx, Input, DEFAULTS)
  if (to === undefined) return ctx.skip(`No recipient is configured: set ${keyOf(ctx, 'to')} in config.json`)
  const { offpeak } = ctx.services
  const parts = [await machineWords(paths), isReporter(offpeak) ? await offpeak.report() : '']
  const text = `${parts.filter(part => part !== '').join('\n\n')}\n`
  // The key makes sure that each run sends one mail, even if it is retried.
  const run = await ctx.enqueue('send_email', {
    key: `report-${ctx.run_id}`,
    payload: { to, subject: subject ?? `Report of ${hostname()}, ${ctx.due_at.slice(0, 10)}`, text }
  })
  return { run }
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'send_daily_reports',
  name: 'Send the daily report',
  description: 'Mails a summary of the machine every morning, through send_email.',
  func: sendDailyReports,
  trigger: 'cron',
  trigger_args: { hour: 9, minute: 0 },
  enabled: false,
  max_retries: 2,
  timeout: '10m',
  type: 'notification',
  tags: ['mail'],
  payload: DEFAULTS,
  input: Input
}]
