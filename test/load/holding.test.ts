import tap from 'tap'
import { configOf } from '../../core/model/config/config.ts'
import { defineTask } from '../../core/load/define/define.ts'
import type { ConfigFile } from '../../core/model/config/config.ts'
import { OffpeakError } from '../../core/model/errors/errors.ts'

const define = (definition: object, file: ConfigFile = {}, override?: object) =>
  defineTask({
    definition: { id: 'work', func: () => 1, ...definition },
    config: { ...configOf(file, 'UTC'), probes: { media: {} } },
    override,
    source: 'a.ts',
    contentHash: '',
    pointer: '/default'
  })

function refusal (definition: object, override?: object): OffpeakError {
  try {
    define(definition, {}, override)
  } catch (error) {
    if (error instanceof OffpeakError) return error
  }
  throw new Error('expected a refusal')
}

tap.test('constraints, deadline and on_deadline come from the definition', async t => {
  const task = define({
    constraints: { power: 'mains', not_while: ['media'] },
    deadline: '6h',
    on_deadline: 'skip',
    on_unmet: 'run',
    on_lost: 'yield',
    class: 'background',
    flex: '2h'
  })
  t.match(task, {
    constraints: { power: 'mains' },
    deadlineMs: 21_600_000,
    on_deadline: 'skip',
    on_unmet: 'run',
    on_lost: 'yield',
    class: 'background',
    flexMs: 7_200_000,
    preemptible: true
  })
  t.equal(define({ on_lost: 'yield', preemptible: false }).preemptible, false)
  t.equal(define({}, { scheduling: { deadline: '1h' } }).deadlineMs, 3_600_000)
})

tap.test('the type decides the priority if the definition has none', async t => {
  t.strictSame(['backup', 'sync', 'maintenance', 'indexing', '', 'constructor'].map(type => define({ type }).priority),
    ['high', 'normal', 'low', 'low', 'normal', 'normal'])
  t.equal(define({ type: 'backup', priority: 'low' }).priority, 'low')
  t.equal(define({ type: 'report' }, { task_priorities: { report: 'critical' } }).priority, 'critical')
})

tap.test('constraints that cannot be met are refused with file and pointer', async t => {
  t.match(refusal({ constraints: { not_while: ['medja'] } }), {
    code: 'OFFPEAK_TASK_INVALID',
    place: { file: 'a.ts', pointer: '/default/constraints/not_while/0' },
    message: /did you mean 'media'/
  })
  t.match(refusal({ constraints: { battery_above: 101 } }).place, { pointer: '/default/constraints/battery_above' })
  t.match(refusal({ constraints: { batery_above: 10 } }).message, /did you mean 'battery_above'/)
  t.match(
    refusal({
      trigger: 'cron',
      trigger_args: { hour: 12, minute: 0 },
      constraints: { window: 'off_peak' },
      deadline: '2h'
    }).place,
    { pointer: '/default/constraints/window' }
  )
  t.doesNotThrow(() =>
    define({
      trigger: 'cron',
      trigger_args: { hour: 21, minute: 0 },
      constraints: { window: 'off_peak' },
      deadline: '2h'
    })
  )
  t.doesNotThrow(() =>
    define({ trigger: 'interval', trigger_args: { hours: 24 }, constraints: { window: 'off_peak' }, deadline: '2h' })
  )
})

tap.test('a constraint in config.json overrides the definition, and its faults are reported there', async t => {
  t.match(define({ constraints: { power: 'mains', idle: true } }, {}, { constraints: { idle: false } }).constraints, {
    power: 'mains',
    idle: false
  })
  t.match(refusal({ constraints: { power: 'mains' } }, { constraints: { battery_below: 20 } }).place, {
    file: 'config.json',
    pointer: '/tasks/work/constraints/battery_below'
  })
})
