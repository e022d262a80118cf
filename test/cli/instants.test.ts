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
      message: `--due is '${wrong}': expected an instant with a zone, such as 2026-11-22T03:00:00Z`,
      fix: undefined
    }, wrong)
  }
})

t.test('an error for a local time shows it in the zone of the terminal', async t => {
  const fix = (text: string) => {
    try {
      return instant('--at', '', 'Europe/Rome')(text)
    } catch (error) {
      return (error as { fix?: string }).fix
    }
  }
  t.equal(fix('2026-11-22 03:00'), 'In Europe/Rome, the zone of this terminal, it is 2026-11-22T03:00:00+01:00.')
  t.equal(fix('2026-07-01T03:00:30'), 'In Europe/Rome, the zone of this terminal, it is 2026-07-01T03:00:30+02:00.')
  t.equal(fix('2026-02-30 03:00'), undefined, 'there is no such day in any zone')
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
    err: /expected an instant with a zone, such as .*, or a day of/
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
