import t from 'tap'
import { scheduleRest, taskRest } from '../../core/model/schedule/resting.ts'
import type { Schedule } from '../../core/model/schedule/schedule.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
type Named = Parameters<typeof taskRest>[0]['task']

const task = (over: Partial<Named> = {}): Named => ({
  id: 'copy',
  enabled: true,
  trigger: '0 3 * * *',
  trigger_args: {},
  timezone: 'UTC',
  run_on_start: false,
  ...over
})
const schedule = (over: Partial<Schedule> = {}): Schedule => ({
  id: 's1',
  task: 'copy',
  origin: 'api',
  trigger: 'cron',
  trigger_args: { hour: 3 },
  timezone: 'UTC',
  payload: null,
  anchor: NOW,
  cursor: NOW,
  nominal_at: NOW + 1,
  next_at: NOW + 1,
  created_at: NOW,
  created_by: 'ann',
  ...over
})
const rest = (over: Partial<Named>, schedules: Schedule[] = []) => taskRest({ task: task(over), schedules, now: NOW })

t.test('a task that will fire does not rest', async t => {
  t.equal(rest({}), null)
  t.equal(rest({ trigger: null }, [schedule()]), null, 'also where the schedule was made at run time')
})

t.test('a disabled task says that, whatever its trigger', async t => {
  for (const trigger of ['0 3 * * *', null, '30 2 30 2 *']) {
    t.match(rest({ enabled: false, trigger }), {
      code: 'task_disabled',
      message: /^the task is disabled; .*offpeak enable copy/
    })
  }
})

t.test('a task without a trigger says how it starts', async t => {
  t.match(rest({ trigger: null }), {
    code: 'no_trigger',
    message: /^the task has no trigger: it starts when it is asked for/
  })
  t.match(rest({ trigger: null, run_on_start: true }), {
    code: 'no_trigger',
    message: /it starts with each start of offpeak, and when it is asked for/
  })
})

t.test('a trigger that never fires is distinguished from one that has fired for the last time', async t => {
  t.match(rest({ trigger: '30 2 30 2 *' }), { code: 'never_fires', message: /^the trigger never fires: / })
  t.match(rest({ trigger: 'date', trigger_args: { run_date: '2020-01-01' } }), {
    code: 'never_fires',
    message: 'the trigger never fires again: once at 2020-01-01 00:00 (UTC)'
  })
  t.match(rest({ trigger: 'cron', trigger_args: { hour: 3, end_date: '2026-01-01' } }), {
    code: 'never_fires',
    message: /never fires again/
  })
  const over = schedule({ trigger: 'date', trigger_args: { run_date: '2020-01-01' }, next_at: null, nominal_at: null })
  t.match(rest({ trigger: null }, [over]), { code: 'never_fires', message: /again/ })
})

t.test('a schedule says why it has no next fire', async t => {
  const still = schedule({ next_at: null, nominal_at: null })
  t.equal(scheduleRest(schedule(), task()), null)
  t.match(scheduleRest(still, undefined), { code: 'task_missing', message: "no task has the id 'copy'" })
  t.match(scheduleRest(still, task({ enabled: false })), { code: 'task_disabled' })
  t.match(scheduleRest({ ...still, trigger: 'date', trigger_args: { run_date: '2020-01-01' } }, task()), {
    code: 'never_fires'
  })
})
