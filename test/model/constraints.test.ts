import t from 'tap'
import { HOUR } from '../../core/model/base/duration.ts'
import { bytesOf, sizeWords } from '../../core/model/base/size.ts'
import { checkConstraints } from '../../core/model/conditions/constraint-check.ts'
import { configFaults, configOf, defaultsOf } from '../../core/model/config/config.ts'
import { passes, signalTest } from '../../core/model/machine/signal.ts'
import type { Constraints } from '../../core/model/task/constraint.ts'

const KNOWN = { windows: defaultsOf().scheduling.time_windows, probes: ['media', 'backup'], timezone: 'UTC' }

const faults = (constraints: Constraints, over: object = {}, deadlineMs = 24 * HOUR) =>
  checkConstraints({ constraints, deadlineMs }, { ...KNOWN, ...over })

const WRONG: [string, Constraints, string, RegExp][] = [
  ['a window that nothing names', { window: 'of_peak' }, '/constraints/window', /did you mean 'off_peak'\?/],
  ['a window that is no window', { window: '1-5' }, '/constraints/window', /nor hours such as '01:00-05:00'/],
  ['mains with a level on battery', { power: 'mains', battery_below: 40 }, '/constraints/battery_below',
    /power requires mains: remove one of the two/],
  ['charging with a level on battery', { power: 'charging', battery_below: 40 }, '/constraints/battery_below',
    /charging/],
  ['levels that cross', { battery_above: 60, battery_below: 40 }, '/constraints/battery_below',
    /more than battery_above, which is 60/],
  ['levels that meet', { battery_above: 40, battery_below: 40 }, '/constraints/battery_below', /40/],
  ['a level below nothing', { battery_below: 0 }, '/constraints/battery_below', /no battery is below that/],
  ['a quiet that is no time', { idle: 'soon' }, '/constraints/idle', /'soon', expected true, or seconds/],
  ['a size that is none', { disk_free: '5 apples' }, '/constraints/disk_free', /such as '5 GB'/],
  ['a probe that nothing names', { not_while: ['media', 'medja'] }, '/constraints/not_while/1',
    /did you mean 'media'\?/],
  ['a comparison that does not parse', { signals: { 'a/b': '> much' } }, '/constraints/signals/a~1b', /such as '> 500'/]
]

for (const [what, constraints, pointer, detail] of WRONG) {
  t.test(`${what} is refused, with what to do`, t => {
    const found = faults(constraints)
    t.equal(found.length, 1)
    t.equal(found[0]?.pointer, pointer)
    t.match(found[0]?.detail, detail)
    t.end()
  })
}

t.test('what can be met is not refused', t => {
  const fine: Constraints[] = [
    {},
    { window: 'off_peak', power: 'mains', battery_above: 50 },
    { window: '23:00-01:00' },
    { power: 'any', battery_below: 40, battery_above: 10 },
    { idle: true },
    { idle: '10m' },
    { disk_free: '1.5 GiB' },
    { not_while: ['media'] },
    { signals: { solar: '>500', where: '!= away', on: 'true' } }
  ]
  t.strictSame(fine.flatMap(constraints => faults(constraints)), [])
  t.strictSame(faults({ window: 'nights', not_while: ['x'] }, { windows: undefined, probes: undefined }), [],
    'and names are not checked against lists that are not there')
  t.end()
})

t.test('a window that never opens between a fire and its deadline is refused', t => {
  const noons = Array.from({ length: 5 }, (_, day) => Date.parse('2026-01-01T12:00:00Z') + day * 24 * HOUR)
  t.match(faults({ window: 'off_peak' }, { fires: noons }, 9 * HOUR), [{
    pointer: '/constraints/window',
    detail: /opens at least 10 h after each fire/
  }])
  t.strictSame(faults({ window: 'off_peak' }, { fires: noons }, 10 * HOUR), [])
  t.strictSame(faults({ window: 'off_peak' }, {}, 1), [], 'a run by hand may come when it is open')
  t.end()
})

t.test('signals are compared by number, word or truth', t => {
  const at = (text: string, value: number | string | boolean) => passes(signalTest(text)!, value)
  t.strictSame([at('> 5', 6), at('> 5', 5), at('>= 5', 5), at('< 5', 4), at('<= 5', 6), at('== 5', 5), at('= 5', 5),
    at('!= 5', 5), at('5', 5)], [true, false, true, true, false, true, true, false, true])
  t.strictSame([at('home', 'home'), at("'not now'", 'not now'), at('!= home', 'away'), at('on', true),
    at('!= on', false), at('on', 1), at('> 5', true)], [true, true, true, true, true, false, false])
  t.strictSame([at('yes', true), at('true', true), at('no', false), at('off', false), at('false', false),
    at('no', true), at('< 5', 5)], [true, true, true, true, true, false, false])
  t.strictSame(['', '>', '> x', '>> 5', '< true'].map(signalTest), [null, null, null, null, null])
  t.end()
})

t.test('sizes are bytes or words', t => {
  t.strictSame(['5 GB', '1.5GiB', '100', '2mb', 7, '5 apples', '', '-1'].map(bytesOf), [5e9, 1.5 * 2 ** 30, 100, 2e6, 7,
    null, null, null])
  t.strictSame([0, 999, 1_400_000, 5e9, 3e15].map(sizeWords), ['0 B', '999 B', '1.4 MB', '5 GB', '3000 TB'])
  t.end()
})

t.test('the numbers of the documents are the defaults', t => {
  const { scheduling, resources, power, task_priorities: priorities, classification } = defaultsOf()
  t.strictSame(scheduling.max_concurrent_tasks, { critical: 3, high: 2, normal: 1, low: 1 })
  t.strictSame(scheduling.time_windows, {
    peak: { start: '08:00', end: '22:00', resource_limit: 0.5 },
    off_peak: { start: '22:00', end: '08:00', resource_limit: 0.8 }
  })
  t.match(resources, { cpu_limit: 0.7, memory_limit: 0.8, io_limit: 0.6, network_limit: 0.5, disk_limit: 0.9 })
  t.strictSame(power.battery_thresholds, { critical: 15, low: 30, normal: 50, high: 80 })
  t.match(power.power_profiles, {
    battery_critical: { cpu_limit: 0.3, task_concurrency: 1, network_limit: 0.2 },
    battery_low: { cpu_limit: 0.5, task_concurrency: 2, network_limit: 0.3 },
    battery_normal: { cpu_limit: 0.7, task_concurrency: 3, network_limit: 0.5 },
    charging: { cpu_limit: 0.9, task_concurrency: 4, network_limit: 0.8 }
  })
  t.strictSame(priorities, { backup: 'high', sync: 'normal', maintenance: 'low', indexing: 'low' })
  t.strictSame(classification.thresholds, { charging_only: 100, background: 50, normal: 30 })
  t.end()
})

t.test('a part of a section leaves the rest at its defaults, and a window or type more takes none away', t => {
  const file = {
    power: { power_profiles: { ups: { cpu_limit: 0.1 } } },
    scheduling: { time_windows: { nights: { start: '01:00', end: '05:00' } } },
    task_priorities: { backup: 'low' as const }
  }
  t.strictSame(configFaults(file), [])
  const { power, scheduling, task_priorities: priorities } = configOf(file, 'UTC')
  t.strictSame(power.power_profiles.ups, { cpu_limit: 0.1, task_concurrency: 2, network_limit: 0.3 })
  t.strictSame(Object.keys(scheduling.time_windows), ['peak', 'off_peak', 'nights'])
  t.strictSame([priorities.backup, priorities.indexing], ['low', 'low'])
  t.end()
})

const MISTAKES: [string, unknown, string][] = [
  ['a share above one', { resources: { cpu_limit: 70 } }, '/resources/cpu_limit'],
  ['a time that is none', { scheduling: { time_windows: { x: { start: '8:00', end: '22:00' } } } },
    '/scheduling/time_windows/x/start'],
  ['a zone that is none', {
    scheduling: { time_windows: { x: { start: '08:00', end: '22:00', timezone: 'Mars/Base' } } }
  }, '/scheduling/time_windows/x/timezone'],
  ['a day that is none', { scheduling: { time_windows: { x: { start: '08:00', end: '22:00', days: ['caturday'] } } } },
    '/scheduling/time_windows/x/days/0'],
  ['a mistyped threshold', { power: { battery_thresholds: { lwo: 20 } } }, '/power/battery_thresholds/lwo'],
  ['thresholds that do not rise', { power: { battery_thresholds: { low: 50 } } }, '/power/battery_thresholds/normal'],
  ['a dwell that is no time', { scheduling: { dwell: 'soon' } }, '/scheduling/dwell'],
  ['a priority that is none', { task_priorities: { backup: 'urgent' } }, '/task_priorities/backup'],
  ['no slot for a priority', { scheduling: { max_concurrent_tasks: { low: 0 } } },
    '/scheduling/max_concurrent_tasks/low']
]

for (const [what, value, pointer] of MISTAKES) {
  t.test(`${what} is refused in config.json`, t => {
    t.ok(configFaults(value).some(fault => fault.pointer === pointer), JSON.stringify(configFaults(value)))
    t.end()
  })
}
