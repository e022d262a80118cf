import t from 'tap'
import { NOON, config, desktop, gateIn, laptop, later, reading, run, occupancy, verdict } from '../gates/machine.ts'
import { evaluate, firstReason, whenLost } from '../../../core/model/admit/evaluate.ts'
import { taskOf } from '../../task.ts'
import type { Reading } from '../../../core/model/machine/reading.ts'
import type { Task } from '../../../core/model/task/task.ts'

const HOT: Partial<Reading> = { temperature: 99 }
const FULL: Partial<Reading> = { disks: [{ path: '/', free_bytes: 0, used: 1 }] }
const BUSY: Partial<Reading> = { cpu: { busy: 1, own: 0, load: 9, cores: 1 } }
const PAUSE = { scope: 'all', name: null, until: null, by: 'ada', at: NOON } as const

t.test('a machine that tells nothing starts an ordinary run, and the unknown is said', t => {
  const result = verdict()
  t.equal(result.decision, 'start')
  t.match(gateIn(result, 'cpu'), { ok: true, code: 'unknown', bypassed: null, kind: 'condition' })
  t.match(result, {
    class: { class: 'normal' },
    relaxed: 0,
    advice: { decision: 'execute_now' },
    recommendation: 'process_now'
  })
  t.end()
})

t.test('the first closed gate is the reason', t => {
  const result = verdict({ reading: { ...laptop(5), ...BUSY } })
  t.equal(result.decision, 'hold')
  t.equal(firstReason(result)?.code, 'battery_low')
  t.equal(firstReason(verdict()), null)
  t.end()
})

t.test('critical runs pass every condition and say so, by priority and by class', t => {
  for (const critical of [verdict({ reading: { ...laptop(2), ...BUSY }, run: run({ priority: 'critical' }) }),
    verdict({ reading: { ...laptop(2), ...BUSY }, task: { class: 'critical' } })]) {
    t.equal(critical.decision, 'start')
    t.match(gateIn(critical, 'battery'), { ok: true, bypassed: 'critical', code: 'battery_low' })
    t.match(gateIn(critical, 'cpu'), { ok: true, bypassed: 'critical', code: 'cpu_busy' })
  }
  t.end()
})

t.test('a full disk, heat and a pause hold critical runs too, and so do slots', t => {
  const critical = run({ priority: 'critical' })
  const holds = [verdict({ run: critical, reading: desktop(HOT) }), verdict({ run: critical, reading: desktop(FULL) }),
    verdict({ run: critical, occupancy: occupancy({ pauses: [PAUSE] }) }),
    verdict({ run: critical, occupancy: occupancy({ free: 0 }) })]
  t.strictSame(holds.map(result => [result.decision, firstReason(result)?.code]), [['hold', 'too_hot'], ['hold',
    'disk_full'], ['hold', 'paused'], ['hold', 'no_slot']])
  t.end()
})

t.test('at its deadline a held run is run, skipped or failed as its task says', t => {
  const at = (on_deadline: Task['on_deadline'], hours: number) =>
    verdict({ task: { deadlineMs: 3_600_000, on_deadline }, reading: laptop(5), now: later(hours) }).decision
  t.strictSame([at('run', 0.99), at('skip', 0.99), at('fail', 0.99)], ['hold', 'hold', 'hold'])
  t.strictSame([at('run', 1), at('skip', 1), at('fail', 1)], ['start', 'skip', 'fail'])
  t.end()
})

t.test('a run at its deadline says what it passed', t => {
  const result = verdict({ task: { deadlineMs: 3_600_000 }, reading: laptop(5), now: later(2) })
  t.match(gateIn(result, 'battery'), { ok: true, bypassed: 'deadline' })
  t.match(result, { deadline: { at: later(1), on_deadline: 'run' } })
  t.end()
})

t.test('no deadline passes safety', t => {
  t.equal(verdict({ task: { deadlineMs: 1 }, reading: desktop(HOT), now: later(1) }).decision, 'hold')
  t.equal(verdict({ task: { deadlineMs: 1 }, occupancy: occupancy({ pauses: [PAUSE] }), now: later(1) }).decision,
    'hold')
  t.end()
})

t.test('the deadline of a fire that was missed counts from when it was made up for', t => {
  const missed = run({ due_at: later(-48), created_at: NOON })
  t.equal(verdict({ run: missed, task: { on_deadline: 'skip' }, reading: laptop(5), now: later(1) }).decision, 'hold')
  t.equal(verdict({ run: missed, task: { on_deadline: 'skip' }, reading: laptop(5), now: later(24) }).decision, 'skip')
  t.end()
})

t.test('limits give way from half of the time on, and the verdict says how far', t => {
  const at = (hours: number) =>
    verdict({
      task: { deadlineMs: 10 * 3_600_000 },
      reading: desktop({ ...BUSY, cpu: { busy: 0.8, own: 0, load: 1, cores: 1 } }),
      now: later(hours)
    })
  t.strictSame([0, 5, 7.5].map(hours => at(hours).relaxed), [0, 0, 0.5])
  t.strictSame([at(5).decision, at(6).decision, at(8).decision], ['hold', 'hold', 'start'])
  t.match(gateIn(at(8), 'cpu'), { required: 0.88, relaxed_from: 0.7 })
  const stiff = config({ scheduling: { relax_from: 1 } })
  t.equal(verdict({ config: stiff, task: { deadlineMs: 10 }, reading: desktop(BUSY), now: NOON + 9 }).decision, 'hold')
  t.end()
})

t.test('unmet conditions hold, skip or are passed, as the task says; a run that is not due is only held', t => {
  const at = (on_unmet: Task['on_unmet'], over = {}) =>
    verdict({ task: { on_unmet }, reading: laptop(5), ...over }).decision
  t.strictSame([at('hold'), at('skip'), at('run')], ['hold', 'skip', 'start'])
  t.equal(at('skip', { run: run({ due_at: later(1) }) }), 'hold')
  t.equal(at('skip', { reading: desktop(), occupancy: occupancy({ free: 0 }) }), 'hold',
    'and a busy process is no condition')
  t.end()
})

t.test('a gate that throws holds the run and is named', t => {
  const broken = {
    ...occupancy(),
    get pauses (): never {
      throw new Error('no pauses today')
    }
  }
  const result = verdict({ occupancy: broken })
  t.equal(result.decision, 'hold')
  t.match(firstReason(result), { gate: 'paused', code: 'gate_error', message: 'no pauses today' })
  t.end()
})

t.test('a run without a task is held and nothing else is asked of it', t => {
  const result = evaluate({
    task: undefined,
    run: run(),
    reading: reading(),
    hysteresis: null,
    config: config(),
    occupancy: occupancy(),
    now: later(99)
  })
  t.match(result, { decision: 'hold', deadline: null, class: { because: 'no task' } })
  t.equal(firstReason(result)?.code, 'task_missing')
  t.end()
})

t.test('the advice agrees with the verdict', t => {
  const charging = verdict({ task: { class: 'charging_only' }, reading: laptop(60) })
  t.match(charging.advice, { decision: 'defer_to_charging' })
  t.match(verdict({ task: { constraints: { power: 'mains' } }, reading: laptop(90) }).advice, {
    decision: 'defer_to_charging'
  })
  t.match(verdict({ reading: desktop(BUSY) }).advice, { decision: 'defer_to_background', reason: /processors/ })
  t.match(verdict({ reading: { ...laptop(60), idle_seconds: 0 } }), {
    decision: 'start',
    advice: { decision: 'execute_now' }
  })
  t.end()
})

const lost = (task: Partial<Task>, machine: Reading, over = {}) =>
  whenLost({
    task: taskOf({ on_lost: 'yield', ...task }),
    run: run(),
    reading: machine,
    hysteresis: null,
    config: config(),
    occupancy: occupancy({ free: 0, active: 9 }),
    now: NOON,
    ...over
  })

t.test('a running run leaves when its conditions are lost, if its task wants it so', t => {
  t.equal(lost({}, laptop(5)).decision, 'yield')
  t.equal(lost({ on_lost: 'cancel' }, laptop(5)).decision, 'cancel')
  t.equal(lost({ on_lost: 'continue' }, laptop(5)).decision, 'continue')
  t.match(lost({ constraints: { window: '01:00-02:00' } }, desktop()).reason, { code: 'outside_window' })
  t.match(lost({ constraints: { idle: true } }, desktop({ idle_seconds: 3 })).reason, { code: 'in_use' })
  t.equal(lost({}, desktop(HOT)).decision, 'yield')
  t.end()
})

t.test('a running run does not leave for slots, a pause or load that may be its own', t => {
  t.equal(lost({ concurrency: 1 }, desktop()).decision, 'continue')
  t.equal(lost({}, desktop(), { occupancy: occupancy({ pauses: [PAUSE] }) }).decision, 'continue')
  t.equal(lost({}, desktop(BUSY)).decision, 'continue')
  t.equal(lost({ constraints: { idle: true } }, desktop({ ...BUSY, idle_seconds: 999 })).decision, 'continue')
  t.equal(lost({ constraints: { cpu_below: 0.5 } }, desktop(BUSY)).decision, 'yield',
    'but for load that it names itself')
  t.end()
})

t.test('a running run that is critical or past its deadline stays', t => {
  t.equal(lost({}, laptop(5), { run: run({ priority: 'critical' }) }).decision, 'continue')
  t.equal(lost({ deadlineMs: 1 }, laptop(5), { now: later(1) }).decision, 'continue')
  t.end()
})
