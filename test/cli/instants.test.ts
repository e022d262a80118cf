import t from 'tap'
import { cli, place } from './setup.ts'
import { instant, duration } from '../../core/cli/remote/options.ts'

t.test('an instant on the command line has a zone and is a day that exists', async t => {
  const read = instant('--due')
  t.equal(read('2026-11-22T03:00Z'), '2026-11-22T03:00:00.000Z')
  t.equal(read('2026-11-22 03:00+01:00'), '2026-11-22T02:00:00.000Z')
  for (const wrong of ['2030-02-30T00:00Z', '2030-13-01T00:00:00Z', '2030-01-01T25:00Z', '2030-01-01', 'noon']) {
    t.throws(() => read(wrong), {
      code: 'OFFPEAK_USAGE_INVALID',
      message: `--due is '${wrong}': expected an instant with a zone, such as 2026-11-22T03:00:00Z, ` +
        "or words such as 'tomorrow 03:00', 'yesterday', '2h ago'",
      fix: undefined
    }, wrong)
  }
})

t.test('an error for a local time shows it in the zone of the terminal', async t => {
  const fix = (text: string) => {
    try {
      return instant('--at', { zone: 'Europe/Rome' })(text)
    } catch (error) {
      return (error as { fix?: string }).fix
    }
  }
  t.equal(fix('2026-11-22 03:00'), 'In Europe/Rome, the zone of this terminal, it is 2026-11-22T03:00:00+01:00.')
  t.equal(fix('2026-07-01T03:00:30'), 'In Europe/Rome, the zone of this terminal, it is 2026-07-01T03:00:30+02:00.')
  t.equal(fix('2026-02-30 03:00'), undefined, 'there is no such day in any zone')
})

t.test('an instant may be said in words, in the zone of the terminal', async t => {
  // A Sunday, 12:00 in Rome.
  const now = Date.parse('2026-11-22T11:00:00Z')
  const read = (side: 'past' | 'future', text: string) =>
    instant('--at', { side, zone: 'Europe/Rome', now })(text).replace(/:00\.000Z$/, 'Z')
  const future = (text: string) => read('future', text)
  const past = (text: string) => read('past', text)
  t.equal(future('now'), '2026-11-22T11:00Z')
  t.equal(future('in 1h 30m'), '2026-11-22T12:30Z')
  t.equal(past('2h ago'), '2026-11-22T09:00Z')
  t.equal(past('90 ago'), '2026-11-22T10:58:30.000Z')
  t.equal(past('yesterday'), '2026-11-20T23:00Z')
  t.equal(past('Yesterday 22:15'), '2026-11-21T21:15Z')
  t.equal(past('today'), '2026-11-21T23:00Z')
  t.equal(future('tomorrow 03:00'), '2026-11-23T02:00Z')
  t.equal(future('9:00'), '2026-11-23T08:00Z', 'the next one')
  t.equal(past('09:00'), '2026-11-22T08:00Z', 'the last one')
  t.equal(past('13:00'), '2026-11-21T12:00Z')
  t.equal(future('monday 09:00'), '2026-11-23T08:00Z')
  t.equal(past('mon'), '2026-11-15T23:00Z')
  t.equal(future('sun 11:00'), '2026-11-29T10:00Z', 'today it is over')
  t.equal(past('sun 11:00'), '2026-11-22T10:00Z')
  t.equal(past('sunday 13:00'), '2026-11-15T12:00Z', 'today it is to come')
  t.equal(future('today 13:00:30'), '2026-11-22T12:00:30.000Z')
  const gap = { side: 'future', zone: 'Europe/Rome', now: Date.parse('2026-03-28T12:00:00Z') } as const
  t.equal(instant('--at', gap)('tomorrow 02:30'), '2026-03-29T01:30:00.000Z', 'the clock goes from 02:00 to 03:00')
  for (const wrong of ['soon', 'ago', 'in', 'in a bit', 'yesterday noon', 'tomorrow 25:00', 'next monday',
    '03:00 tomorrow', '99999999 d ago']) {
    t.throws(() => future(wrong), { code: 'OFFPEAK_USAGE_INVALID' }, wrong)
  }
})

const COMMANDS = [
  ['run', 'echo', '--due'],
  ['enqueue', 'echo', '--due'],
  ['edit', 'r1', '--due'],
  ['why', 'echo', '--at'],
  ['pause', 'all', '--until'],
  ['runs', '--from'],
  ['runs', '--to'],
  ['cancel', '--from'],
  ['retry', '--to'],
  ['delete', '--from'],
  ['stats', '--from'],
  ['stats', '--to'],
  ['timeline', '--from'],
  ['timeline', '--to'],
  ['simulate', '--from'],
  ['simulate', '--to']
]

t.test('every command names its wrong option', async t => {
  const cwd = place(t)
  for (const words of COMMANDS) {
    const option = words.at(-1)!
    const { code, err } = await cli([...words, '2030-02-30T00:00Z'], { cwd })
    t.equal(code, 2, words.join(' '))
    t.match(err, new RegExp(`${option} is '2030-02-30T00:00Z': expected .*an instant with a zone`), words.join(' '))
  }
  t.match(await cli(['simulate', '--from', '2030-01-01T00:00'], { cwd }), {
    code: 2,
    err: /expected an instant with a zone, such as .*, a day such as/
  })
})

t.test('a pause without a length is refused before a request', async t => {
  const read = duration('--for')
  t.strictSame(['90', '15m', '1h 30m', 'PT15M'].map(read), ['90', '15m', '1h 30m', 'PT15M'])
  for (const wrong of ['0', '0s', '-5', 'soon', '300000 years', '1e308', '']) {
    t.throws(() => read(wrong), {
      code: 'OFFPEAK_USAGE_INVALID',
      message: `--for is '${wrong}': expected a duration above 0`
    }, wrong)
  }
  t.match(await cli(['pause', 'all', '--for', '0'], { cwd: place(t) }), { code: 2 })
})
