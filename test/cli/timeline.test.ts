import t from 'tap'
import { cli, place, serve } from './setup.ts'
import { pastInstant } from '../../core/cli/remote/options.ts'
import { timelineWords } from '../../core/cli/command/timeline.ts'

type Timeline = Parameters<typeof timelineWords>[0]

const point = (minute: number, cpu_busy: number, more = {}) => ({
  at: `2026-11-22T05:0${minute}:00.000Z`,
  count: 12,
  values: { cpu_busy, ...more }
})
const ran = (id: string, from: string, to: string | null, more = {}) =>
  ({
    id,
    task: 'copy',
    label: 'completed',
    started_at: from,
    finished_at: to,
    duration: 60,
    held: null,
    error: null,
    reason: null,
    warning: null,
    ...more
  }) as unknown as Timeline['runs'][number]
const SPAN = { from: '2026-11-22T05:00:00.000Z', to: '2026-11-22T05:10:00.000Z', complete: true }

t.test('timeline shows each run with the load of the machine meanwhile', async t => {
  const words = timelineWords({
    ...SPAN,
    runs: [
      ran('one', '2026-11-22T05:01:30.000Z', '2026-11-22T05:02:30.000Z'),
      ran('two', '2026-11-22T05:03:10.000Z', '2026-11-22T05:03:20.000Z', {
        used: { cpu_seconds: 2, memory_peak_bytes: 85e6, read_bytes: null, written_bytes: null }
      }),
      ran('all', '2026-11-22T04:00:00.000Z', null, { label: 'running' })
    ],
    readings: [point(0, 0.1), point(1, 0.2), point(2, 0.4, { memory_used: 0.5 }), point(3, 0.9), point(4, 0)]
  })
  const [head, one, two, all, machine] = words.split('\n')
  t.match(head, /^RUN +TASK +STATE +FROM +TO +TOOK +USED +CPU +MEMORY +IO/)
  t.match(one, /^one +copy .* - +30 % +50 % +-$/, 'the reading before its start lasts until the next one')
  t.match(two, /2 s, 85 MB +90 % +- +-$/)
  t.match(all, / - +1 m +- +32 % /)
  t.equal(machine, 'The machine: cpu 32 %, 90 % at most; memory 50 %, 50 % at most.')
})

t.test('unknown values are shown as a dash', async t => {
  t.match(timelineWords({ ...SPAN, runs: [], readings: [] }),
    /^Nothing ran from .* to .*\.\nThere are no readings of the machine of that time\.$/)
  t.match(timelineWords({ ...SPAN, complete: false, runs: [ran('one', SPAN.from, SPAN.to)], readings: [] }),
    / - +- +-\nNot every run is shown/)
})

t.test('a time without a date is its most recent occurrence', async t => {
  const now = new Date(2026, 10, 22, 12, 0).getTime()
  const local = (text: string) => new Date(pastInstant('--from', now)(text)).toString().slice(4, 21)
  t.equal(local('05:00'), 'Nov 22 2026 05:00')
  t.equal(local('12:00'), 'Nov 22 2026 12:00')
  t.equal(local('23:30'), 'Nov 21 2026 23:30')
  t.equal(pastInstant('--from', now)('2026-11-01T05:00+01:00'), '2026-11-01T04:00:00.000Z')
  for (const wrong of ['24:00', '5:60', 'noon', '05', '2026-11-01 05:00']) {
    t.throws(() => pastInstant('--from', now)(wrong), {
      code: 'OFFPEAK_USAGE_INVALID',
      message: /expected an instant with a zone, such as .*, or words such as 'tomorrow 03:00'/
    }, wrong)
  }
})

t.test('the command asks the server', async t => {
  const cwd = place(t)
  await serve(t, [], { cwd })
  const { id } = JSON.parse((await cli(['run', 'echo', '--wait', '--json'], { cwd })).out)
  t.match(await cli(['timeline'], { cwd }), { code: 0, out: new RegExp(`^RUN .*\n${id} +echo +completed .*\n`) })
  t.match(JSON.parse((await cli(['timeline', '--json'], { cwd })).out), { complete: true, runs: [{ id, used: null }] })
  t.match((await cli(['timeline', '--from', '2020-01-01T05:00Z', '--to', '2020-01-01T06:00Z'], { cwd })).out,
    /^Nothing ran from 2020-01-01 05:00:00 to 2020-01-01 06:00:00\./)
  t.match(await cli(['timeline', '--from', '2020-01-01T05:00Z'], { cwd }), { code: 1, err: /expected at most 7 d/ })
  t.match(await cli(['stats', '--from', 'noon'], { cwd }), { code: 2, err: /--from is 'noon'/ })
})
