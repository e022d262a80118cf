import t from 'tap'
import { createTestManager } from '../../core/index.ts'
import { spansOf } from './spans.ts'
import type { FullRun, TaskContext, TaskDefinition, TestClock } from '../../core/index.ts'

const clockOf = (ctx: TaskContext) => ctx.services.clock as TestClock
const takes = (span: string) => async (ctx: TaskContext) => clockOf(ctx).sleep(span)
const daily = (at: string): Pick<TaskDefinition, 'trigger' | 'trigger_args'> => ({
  trigger: 'cron',
  trigger_args: { hour: at.split(':')[0], minute: at.split(':')[1] }
})

/** Ten steps of ten minutes, with a checkpoint after each. */
async function train (ctx: TaskContext) {
  const begun = Number(await ctx.checkpoint.read() ?? 0)
  for (let step = begun; step < 10; step++) {
    await clockOf(ctx).sleep('10m')
    await ctx.checkpoint.save(step + 1)
  }
  return `steps ${begun + 1} to 10`
}

const TASKS: TaskDefinition[] = [
  {
    id: 'train',
    ...daily('08:30'),
    class: 'normal',
    timeout: '3h',
    constraints: { power: 'mains' },
    on_lost: 'yield',
    func: train
  },
  { id: 'photos', ...daily('10:00'), class: 'charging_only', timeout: '1h', func: takes('30m') },
  {
    id: 'report',
    ...daily('10:30'),
    class: 'normal',
    constraints: { power: 'mains' },
    deadline: '4h',
    on_deadline: 'run',
    func: takes('2m')
  },
  { id: 'notes', ...daily('11:40'), class: 'background', func: takes('4m') },
  { id: 'mail', trigger: 'cron', trigger_args: { hour: '9,12,16', minute: 15 }, class: 'normal', func: takes('1m') },
  {
    id: 'alarm',
    trigger: 'cron',
    trigger_args: { hour: '12,16', minute: 30 },
    class: 'critical',
    misfire: 'skip',
    func: takes('1m')
  },
  {
    id: 'compact',
    ...daily('14:00'),
    class: 'normal',
    timeout: '1h',
    constraints: { window: 'off_peak' },
    func: takes('20m')
  },
  {
    id: 'encode',
    ...daily('20:30'),
    class: 'normal',
    timeout: '1h',
    constraints: { not_while: ['film'] },
    func: takes('15m')
  }
]

const hour = (at: number | null) => at === null ? '-' : new Date(at).toISOString().slice(11, 16)

/** A run as a row: planned, held (code and times), executed (times), state, reason or result. */
function rowOf (
  { task, nominal_at: nominal, holds, attempts, started_at: started, finished_at: finished, state, result, reason }:
    FullRun
): string {
  const held = spansOf(holds).map(({ code, from, to }) => `${code} ${hour(from)}-${hour(to)}`)
  const spells = attempts.filter(({ outcome }) => outcome === 'postponed').map(one =>
    `${hour(one.started_at)}-${hour(one.finished_at)} (yielded)`
  )
  const last = started === null ? [] : [`${hour(started)}-${hour(finished)}`]
  return [task, hour(nominal), held.join(', ') || '-', [...spells, ...last].join(', ') || '-', state,
    reason?.code ?? result ?? '-'].join(' | ')
}

const EXPECTED = [
  'train | 08:30 | on_battery 09:10-18:00 | 08:30-09:10 (yielded), 18:00-19:00 | completed | steps 5 to 10',
  'mail | 09:15 | - | 09:15-09:16 | completed | -',
  'photos | 10:00 | battery_low 10:00-18:00, charging 18:00-20:00 | 20:00-20:30 | completed | -',
  'report | 10:30 | on_battery 10:30-14:30 | 14:30-14:32 | completed | -',
  'notes | 11:40 | battery_low 11:40-18:00, pace 18:00-18:00 | 18:00-18:04 | completed | -',
  'mail | 12:15 | - | 13:30-13:31 | completed | -',
  'alarm | 12:30 | - | - | skipped | misfire',
  'compact | 14:00 | outside_window 14:00-22:00 | 22:00-22:20 | completed | -',
  'mail | 16:15 | battery_low 16:15-18:00, pace 18:00-18:00 | 18:00-18:01 | completed | -',
  'alarm | 16:30 | - | 16:30-16:31 | completed | -',
  'encode | 20:30 | probe_busy 20:30-22:00, pace 22:00-22:00 | 22:00-22:15 | completed | -'
]

t.test('a day of a laptop that is unplugged in the morning and plugged in at night', async t => {
  const kit = await createTestManager({
    at: '2026-03-10T08:00:00Z',
    tasks: TASKS,
    config: { probes: { film: { kind: 'process', processes: ['vlc'] } } },
    reading: { power: 'mains', battery: { level: 95, charging: false }, idle_seconds: 20 }
  })
  t.teardown(() => kit.close())
  const until = (time: string) => kit.advanceTo(`2026-03-10T${time}:00Z`)
  const level = (time: string, percent: number) => until(time).then(() => kit.set({ battery: { level: percent } }))

  await until('09:10')
  t.match(await kit.manager.desk.task('train'), { status: 'running' })
  await kit.unplug(90)
  t.match(await kit.why('train'), { decision: 'hold', message: /on battery/ })
  await level('10:30', 65)
  await level('11:30', 48)
  await until('12:00')
  await kit.suspend('90m')
  t.equal(hour(kit.clock.now()), '13:30')
  await level('16:00', 28)
  await until('18:00')
  await kit.plug(25)
  t.match(await kit.why('photos'), { message: /battery at 25 %, charging_only work needs 80 %/ })
  await level('19:00', 60)
  await level('20:00', 85)
  await kit.probe('film', true)
  await until('21:00')
  t.match(await kit.why('encode'), { decision: 'hold', message: /probe film is busy/ })
  await until('22:00')
  await kit.probe('film', false)
  await until('23:00')

  const rows = (await kit.runs()).toSorted((a, b) => a.nominal_at - b.nominal_at).map(rowOf)
  for (const row of ['task | planned | held | executed | state | reason', ...rows]) t.comment(row)
  t.strictSame(rows, EXPECTED)
  t.equal(kit.notices.filter(({ kind }) => kind === 'engine_failed' || kind === 'late_error').length, 0)
})
