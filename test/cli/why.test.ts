import t from 'tap'
import { explanationWords, heldWords } from '../../core/cli/command/why.ts'
import { gateWords } from '../../core/cli/terminal/gate-words.ts'
import { machineView } from '../../core/model/view/machine-view.ts'
import { machineWords } from '../../core/cli/command/readings.ts'
import { calm } from '../work/fake-senses.ts'
import { defaultsOf } from '../../core/model/config/config.ts'
import type { ExplanationView } from '../../core/cli/remote/answers.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const instant = (hours: number) => new Date(NOW + hours * 3_600_000).toISOString()
const hold = (code: string, message: string, seconds: number) => ({
  code,
  message,
  from: instant(-1),
  to: null,
  seconds
})

const gate = (over: Partial<ExplanationView['gates'][number]>): ExplanationView['gates'][number] => ({
  gate: 'power',
  ok: false,
  code: 'on_battery',
  message: 'on battery',
  observed: 'battery',
  required: 'mains',
  since: null,
  clears_at: null,
  certain: false,
  kind: 'condition',
  bypassed: null,
  source: 'task definition /constraints/power',
  place: { file: 'backup.ts', pointer: '/constraints/power' },
  ...over
})

const why = (over: Partial<ExplanationView> = {}): ExplanationView => ({
  task: 'backup',
  run: 'r1',
  at: instant(0),
  decision: 'hold',
  message: 'on battery',
  resting: null,
  gates: [gate({})],
  earliest: { at: instant(20), certain: false },
  deadline: { at: instant(20), on_deadline: 'skip' },
  class: { class: 'background', because: 'keyword sync in name' },
  relaxed: 0,
  advice: { decision: 'defer_to_charging', reason: 'on battery' },
  recommendation: 'process_now',
  holds: [hold('on_battery', 'on battery', 7920)],
  ...over
})

t.test('holds of a run are summed by reason', async t => {
  const holds = [hold('on_battery', 'on battery', 7000), hold('outside_window', 'peak hours', 2400),
    hold('on_battery', 'on battery', 920)]
  t.equal(heldWords(holds), '2 h 12 m: on battery; 40 m: peak hours')
  t.equal(heldWords([]), '')
})

t.test('a held run is shown with its verdict, its holds and every gate', async t => {
  const text = explanationWords(
    why({
      gates: [
        gate({ gate: 'cpu', ok: true, observed: 0.23, required: 0.7, source: '/resources/cpu_limit', place: null }),
        gate({ since: instant(-2) })
      ]
    }),
    NOW
  )
  const lines = text.split('\n')
  t.equal(lines[0], 'backup (run r1) is held: on battery')
  t.equal(lines[1], '  held      2 h 12 m: on battery')
  t.equal(lines[2], '  earliest  as soon as nothing holds it, at its deadline at the latest')
  t.match(lines[3], /^ {2}deadline {2}.*\(in 20 h\): it is skipped$/)
  t.equal(lines[4], '  class     background (keyword sync in name)')
  t.match(text, new RegExp(
    String.raw`\n +GATE +NOW +NEEDS +SINCE +CLEARS +SOURCE\n` +
      String.raw`\+ +cpu +23 % +70 % +- +- +/resources/cpu_limit\n` +
      String.raw`- +power +battery +mains +\S+ +- +backup\.ts /constraints/power$`
  ))
})

t.test('an advice about power is given only when power holds the run', async t => {
  const advice = (over: Partial<ExplanationView>) => /\n {2}advice +(.*)/.exec(explanationWords(why(over), NOW))?.[1]
  t.equal(advice({}), 'wait until the battery charges: on battery')
  const signal = gate({ gate: 'signals', message: 'signal place is not set' })
  const idle = { decision: 'defer_to_background', reason: signal.message } as const
  t.equal(advice({ advice: idle, gates: [signal, gate({ gate: 'battery', message: 'battery at 12 %' })] }),
    'wait until the machine is idle or the battery is fuller: battery at 12 %', 'with the reason of that gate')
  t.equal(advice({ advice: idle, gates: [signal, gate({ ok: true })] }), undefined, 'on mains')
  t.equal(advice({ advice: { ...idle, reason: 'due in 16 h' }, gates: [gate({ gate: 'due' })] }), undefined)
  t.equal(advice({ decision: 'start', advice: { decision: 'execute_now', reason: 'on mains' }, gates: [] }), undefined)
})

t.test('a start is certain only when clock and calendar decide it', async t => {
  const lineOf = (certain: boolean) =>
    explanationWords(why({ earliest: { at: instant(1), certain } }), NOW).split('\n')[2]
  t.match(lineOf(true), /\(in 1 h\)$/)
  t.match(lineOf(false), /\(in 1 h\), unless another gate holds it then$/)
})

t.test('a past deadline that started nothing is explained', async t => {
  const lineOf = (over: Partial<ExplanationView>) =>
    explanationWords(why({ deadline: { at: instant(-1), on_deadline: 'run' }, ...over }), NOW).split('\n').find(line =>
      line.startsWith('  deadline')
    )
  t.match(lineOf({}), /ago\): the gates that hold it ignore deadlines$/)
  t.match(lineOf({ decision: 'start' }), /ago\): it runs anyway$/)
  t.equal(lineOf({ run: null, resting: { code: 'task_disabled', message: 'the task is disabled' } }), undefined,
    'a task that has no run has none')
})

t.test('each verdict has its sentence', async t => {
  const first = (over: Partial<ExplanationView>) => explanationWords(why(over), NOW).split('\n')[0]
  t.equal(first({ decision: 'start', message: 'every gate is open', run: null }),
    'backup may start: every gate is open')
  t.equal(
    first({
      run: null,
      message: 'the task is disabled; asked for by hand it would start',
      resting: { code: 'task_disabled', message: 'the task is disabled' }
    }),
    'backup: the task is disabled; asked for by hand it would start'
  )
  t.equal(first({ message: 'due in 3 h', gates: [gate({ gate: 'due' })] }), 'backup (run r1) is due in 3 h')
  const both = [gate({}), gate({ gate: 'cpu', message: 'the processors are busy' }), gate({ gate: 'io', ok: true })]
  const second = (over: Partial<ExplanationView>) => explanationWords(why(over), NOW).split('\n')[1]
  t.equal(second({ gates: both }), '  also      the processors are busy', 'the other reasons follow')
  t.notMatch(second({ gates: [gate({}), gate({ gate: 'charge' })] }), /also/, 'a reason is printed once')
  t.notMatch(second({ decision: 'start', gates: both }), /also/, 'bypassed gates hold nothing')
  t.equal(first({ decision: 'running', message: 'it was running', gates: [] }), 'backup (run r1) was running')
  t.equal(first({ decision: 'completed', message: 'it completed', gates: [] }), 'backup (run r1) completed')
  t.equal(first({ decision: 'failed', message: 'it broke', gates: [] }), 'backup (run r1) failed: it broke')
  t.equal(first({ decision: 'skip', message: 'too late' }), 'backup (run r1) will be skipped: too late')
})

t.test('gates show values in their units', async t => {
  const words = (name: string, observed: ExplanationView['gates'][number]['observed'], required = observed) =>
    Object.values(gateWords({ gate: name, observed, required }))
  t.same(words('io', 0.5), ['50 %', '50 %'])
  t.same(words('battery', 40, 50), ['40 %', '50 %'])
  t.same(words('disk', 5e9), ['5 GB', '5 GB'])
  t.same(words('idle', 180), ['3 m', '3 m'])
  t.same(words('slots', 3, 10), ['3', '10'])
  t.same(words('signals', 'unknown', { solar: '> 500' }), ['unknown', 'solar > 500'])
  t.same(words('probes', null, ['film', 'music']), ['-', 'film, music'])
  t.equal(gateWords({ gate: 'dependencies', observed: [], required: ['load completed'] }).seen, '-')
  t.equal(gateWords({ gate: 'cpu', observed: 0.8, required: 0.85, relaxed_from: 0.7 }).wanted, '85 %, was 70 %')
  t.match(explanationWords(why({ gates: [gate({ ok: true, bypassed: 'critical' })] }), NOW),
    /mains \(bypassed: critical\)/)
})

t.test('readings fit one screen, and missing values are unknown', async t => {
  const signal = { value: 650, at: NOW, expires_at: NOW + 3_600_000 }
  const laptop = {
    power: 'battery' as const,
    battery: { present: true, level: 40, charging: false, seconds_left: 7200 },
    temperature: 'unknown' as const,
    signals: { solar: signal },
    probes: { film: { busy: true, at: NOW, detail: 'vlc' } }
  }
  const view = machineView({
    reading: { ...calm(NOW), ...laptop },
    hysteresis: null,
    config: defaultsOf(),
    troubles: [{ sensor: 'temperature', message: 'it hangs', since: NOW }],
    now: NOW
  })
  const text = machineWords(view, NOW)
  for (const line of [
    /^power +on battery\n/,
    /\nbattery +40 %, not charging, 2 h left\n/,
    /\ncpu +5 %, 0 % of it offpeak's own, load 0\.1 a core, 4 cores\n/,
    /\nmemory +40 %, 8 GB available\n/,
    /\nnetwork +online, unmetered, 0 B\/s\n/,
    /\ndisk +\/: 50 GB free, 50 % used\n/,
    /\ntemperature +unknown\n/,
    /\nidle +for 1 h\n/,
    /\nsignal +solar is 650, until /,
    /\nprobe +film: busy \(vlc\)\n/,
    /\nprofile +battery_normal\n/,
    /\nwindow +peak, until /,
    /\ntrouble +temperature: it hangs/
  ]) t.match(text, line)
  t.notMatch(text, /\nups/)
  t.ok(text.split('\n').length < 24)
})
