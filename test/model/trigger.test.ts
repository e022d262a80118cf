import tap from 'tap'
import type { TriggerSpec } from '../../core/model/trigger.ts'
import { compileTrigger, nextFires, wordsFor } from '../../core/model/trigger.ts'

const AFTER = '2026-01-15T10:20:30Z'
const cron = (trigger_args: Record<string, unknown>, timezone?: string): TriggerSpec => ({
  trigger: 'cron',
  trigger_args,
  timezone
})
const line = (trigger: string, timezone?: string): TriggerSpec => ({ trigger, timezone })
const every = (trigger_args: Record<string, unknown>): TriggerSpec => ({ trigger: 'interval', trigger_args })
const next = (spec: TriggerSpec, count = 3) =>
  nextFires({ ...spec, after: AFTER, count }).map(fire => fire.replace(':00.000Z', ''))

function fault (work: () => unknown): { code?: string, message: string, pointer?: string } {
  try {
    work()
  } catch (error) {
    const { code, message, place } = error as { code?: string, message: string, place?: { pointer?: string } }
    return { code: code ?? 'none', message, pointer: place?.pointer ?? '' }
  }
  return { message: 'accepted' }
}

tap.test('a field after the last one given takes its minimum, one before it every value', async t => {
  t.same(next(cron({ hour: 3 }), 2), ['2026-01-16T03:00', '2026-01-17T03:00'])
  t.same(next(cron({ day: '*' }), 1), ['2026-01-16T00:00'])
  t.same(next(cron({ year: '*' }), 2), ['2027-01-01T00:00', '2028-01-01T00:00'])
  t.same(next(cron({ week: 10 }), 8).at(-2), '2026-03-08T00:00')
  t.same(next(cron({ hour: 3, minute: null }), 1), ['2026-01-16T03:00'], 'null is not given')
  t.same(nextFires({ ...cron({}), after: AFTER, count: 1 }), ['2026-01-15T10:20:31.000Z'])
})

tap.test('the fields of a cron are all asked, those of a crontab line are either day or weekday', async t => {
  t.same(next(cron({ day: 13, day_of_week: 'fri' }), 2), ['2026-02-13T00:00', '2026-03-13T00:00'])
  t.same(next(line('0 0 13 * fri'), 3), ['2026-01-16T00:00', '2026-01-23T00:00', '2026-01-30T00:00'])
  t.same(next(line('0 0 20 * fri'), 2), ['2026-01-16T00:00', '2026-01-20T00:00'])
})

tap.test('weekday 0 is Monday in a field; in a crontab line 0 and 7 are Sunday', async t => {
  t.same(next(cron({ day_of_week: 0 }), 1), ['2026-01-19T00:00'])
  t.same(next(line('0 0 * * 0'), 1), ['2026-01-18T00:00'])
  t.same(next(line('0 0 * * 7'), 1), ['2026-01-18T00:00'])
  t.same(next(line('0 0 * * fri-sun'), 3), ['2026-01-16T00:00', '2026-01-17T00:00', '2026-01-18T00:00'])
})

tap.test('a crontab line, an expression and an alias are one thing', async t => {
  t.same(next(line('@daily')), next(cron({ expression: '0 0 * * *' })))
  t.same(next(line(' 0  0\t* * * ')), next(line('@MIDNIGHT')))
  t.same(next(line('@weekly')), next(line('0 0 0 * * sun')))
  t.same(nextFires({ ...line('*/20 * * * * *'), after: AFTER, count: 2 }), ['2026-01-15T10:20:40.000Z',
    '2026-01-15T10:21:00.000Z'])
  t.same(next({ trigger: '0 0 * * *', trigger_args: { timezone: 'Asia/Tokyo', end_date: '2026-01-17' } }), [
    '2026-01-15T15:00',
    '2026-01-16T15:00'
  ])
})

tap.test('the zone of the arguments wins over that of the trigger; old names and offsets are zones [F23]', async t => {
  t.same(next(cron({ hour: 9 }, 'US/Pacific'), 1), ['2026-01-15T17:00'])
  t.same(next(cron({ hour: 9, timezone: '+05:30' }, 'US/Pacific'), 1), ['2026-01-16T03:30'])
  t.same(next(cron({ hour: 9 }), 1), ['2026-01-16T09:00'], 'UTC without a time zone')
})

tap.test('dates that do not exist end instead of searching for ever', async t => {
  t.same(next(cron({ month: 2, day: 30 })), [])
  t.same(next(cron({ month: 2, day: 29, year: '*/4' })), [])
  t.same(next(cron({ month: 2, day: 29, year: '2100-9999/100' })).slice(0, 2), ['2400-02-29T00:00', '2800-02-29T00:00'])
  t.same(next(cron({ year: 2020 })), [])
  t.equal(compileTrigger(cron({ month: 2, day: 30 }), 0).latest(0, Date.parse(AFTER)), null)
  t.same(nextFires({ ...cron({ hour: 3 }), after: Date.UTC(9999, 11, 30, 12), count: 5 }), ['9999-12-31T03:00:00.000Z'])
  t.same(next(cron({ month: 2, day: 29 }), 2), ['2028-02-29T00:00', '2032-02-29T00:00'])
})

tap.test('a schedule asked from before 1970 or without end answers', async t => {
  const trigger = compileTrigger(cron({ hour: 0 }, 'Asia/Tokyo'), 0)
  t.equal(trigger.next(-Infinity), -9 * 3_600_000, 'midnight of 1 January 1970 in Tokyo')
  t.equal(trigger.next(Infinity), null)
  t.equal(trigger.latest(-Infinity, -1e15), null)
})

tap.test('start_date and end_date are inside the schedule, forward and backward', async t => {
  const trigger = compileTrigger(cron({ hour: 3, start_date: '2026-02-01 03:00:00', end_date: '2026-02-02 03:00:00' }),
    0)
  const [first, last] = [Date.parse('2026-02-01T03:00:00Z'), Date.parse('2026-02-02T03:00:00Z')]
  t.same([trigger.next(0), trigger.next(first), trigger.next(last)], [first, last, null])
  t.same([trigger.latest(0, 9e12), trigger.latest(0, last - 1), trigger.latest(0, first - 1)], [last, first, null])
})

tap.test('an interval counts from its start, or from when it was first seen', async t => {
  t.same(next(every({ minutes: 15 }), 1), ['2026-01-15T10:35:30.000Z'])
  t.same(next(every({ every: '1h 30m', start_date: '2026-01-01' }), 2), ['2026-01-15T10:30', '2026-01-15T12:00'])
  const trigger = compileTrigger(every({ hours: 1, end_date: '1970-01-01 03:30:00' }), 0)
  t.same([trigger.next(0), trigger.next(3_600_000), trigger.next(10_800_000)], [3_600_000, 7_200_000, null])
  t.equal(trigger.latest(0, 9e12), 10_800_000)
  t.equal(trigger.latest(10_800_000, 9e12), null, 'from is not inside')
  t.equal(trigger.count(0, 9e12, 2), 2)
  t.equal(trigger.count(0, 9e12, 9), 3)
})

tap.test('a date fires once, also when asked late', async t => {
  const trigger = compileTrigger({
    trigger: 'date',
    trigger_args: { run_date: '2026-12-25 08:00:00.250' },
    timezone: 'Europe/Rome'
  }, 0)
  const at = Date.parse('2026-12-25T07:00:00.250Z')
  t.same([trigger.next(0), trigger.next(at), trigger.latest(0, 9e12), trigger.count(at - 1, at, 5),
    trigger.count(at, at + 1, 5)], [at, null, at, 1, 0])
  t.equal(compileTrigger({ trigger: 'date' }, 77).next(0), 77, 'without a date it is now')
})

tap.test('jitter makes late, never early, and does not pass the end', async t => {
  const ask = { ...cron({ hour: 6, jitter: '1m', end_date: '2026-01-17 06:00:30' }), after: AFTER, random: () => 1 }
  t.same(nextFires(ask), ['2026-01-16T06:01:00.000Z', '2026-01-17T06:00:30.000Z'])
  t.same(nextFires({ ...ask, random: undefined }), ['2026-01-16T06:00:00.000Z', '2026-01-17T06:00:00.000Z'])
  t.equal(compileTrigger(cron({ hour: 6, jitter: 90 }), 0).jitter, 90)
})

const REFUSED: [TriggerSpec, string, RegExp][] = [
  [cron({ hour: 24 }), '/trigger_args/hour', /hour: found '24', expected 0 to 23/],
  [cron({ hours: 3 }), '/trigger_args/hours', /'hours', expected year, month/],
  [cron({ hour: true }), '/trigger_args/hour', /found true, expected a whole number or a string/],
  [cron({ hour: '' }), '/trigger_args/hour', /hour: found ''/],
  [cron({ hour: '1,,2' }), '/trigger_args/hour', /hour: found ''/],
  [cron({ minute: '*/60' }), '/trigger_args/minute', /no larger than its range \(59\)/],
  [cron({ minute: '5-5/1' }), '/trigger_args/minute', /no larger than its range \(0\)/],
  [cron({ minute: '30-10' }), '/trigger_args/minute', /a range that ascends/],
  [cron({ month: 'jan/2' }), '/trigger_args/month', /names without a step/],
  [cron({ day_of_week: 'mon-5' }), '/trigger_args/day_of_week', /names without a step/],
  [cron({ day_of_week: 7 }), '/trigger_args/day_of_week', /expected 0 to 6/],
  [cron({ day: '1st mon foo' }), '/trigger_args/day', /1st mon foo/],
  [cron({ day: 'lastfri' }), '/trigger_args/day', /lastfri/],
  [cron({ expression: '0 3 * * *', hour: 3 }), '/trigger_args/hour', /no field beside expression/],
  [cron({ expression: '*|*|*|*|*|*|0|0' }), '/trigger_args/expression', /five crontab fields/],
  [cron({ expression: 5 }), '/trigger_args/expression', /a crontab string/],
  [cron({ hour: 3, timezone: 'Mars/Base' }), '/trigger_args/timezone', /'Mars\/Base', expected an IANA time zone/],
  [cron({ hour: 3 }, ''), '/timezone', /IANA/],
  [cron({ hour: 3, jitter: -1 }), '/trigger_args/jitter', /0 or more/],
  [cron({ start_date: '2026-01-01 10:00' }), '/trigger_args/start_date', /a date such as/],
  [cron({ start_date: '2026-02-30' }), '/trigger_args/start_date', /a date such as/],
  [cron({ start_date: '2026-01-01 10:00:00+24:00' }), '/trigger_args/start_date', /a date such as/],
  [every({}), '/trigger_args', /a length above 0/],
  [every({ minutes: 0 }), '/trigger_args', /a length above 0/],
  [every({ minutes: -5 }), '/trigger_args/minutes', /0 or more/],
  [every({ every: 'soon' }), '/trigger_args/every', /words such as '15m'/],
  [every({ every: '1h', minutes: 1 }), '/trigger_args/every', /not both/],
  [{ trigger: 'date', trigger_args: { run_date: 1_700_000_000 } }, '/trigger_args/run_date', /a date such as/],
  [{ trigger: 'cron', trigger_args: [] as never }, '/trigger_args', /an object/],
  [line('0 25 * * *'), '/trigger', /hour: found '25', expected 0 to 23/],
  [line('0 0 ? * L'), '/trigger', /day: found '\?'/],
  [line('* * * *'), '/trigger', /five crontab fields, or six/],
  [line('@reboot'), '/trigger', /@reboot.*@yearly/],
  [line('Interval'), '/trigger', /'cron', 'interval', 'date'/]
]

tap.test('what cannot be read is refused with the field, the finding and the expectation', async t => {
  for (const [spec, pointer, message] of REFUSED) {
    const found = fault(() => compileTrigger(spec, 0))
    t.match(found, { code: 'OFFPEAK_TRIGGER_INVALID', pointer, message }, JSON.stringify(spec))
    t.same(fault(() => wordsFor(spec)), found, 'in words just so')
  }
})

tap.test('a preview says from when and how many', async t => {
  t.equal(fault(() => nextFires(line('@daily'))).pointer, '/after')
  t.equal(fault(() => nextFires({ ...line('@daily'), after: '2026-01-15 10:20' })).pointer, '/after',
    'a local time is not an instant')
  t.equal(fault(() => nextFires({ ...line('@daily'), after: 0, count: 1.5 })).pointer, '/count')
  t.equal(nextFires({ ...line('@daily'), after: 0 }).length, 5)
})

tap.test('a trigger is described in plain English', async t => {
  const wordings: [TriggerSpec, string][] = [
    [every({ minutes: 15 }), 'every 15 minutes'],
    [every({ hours: 1, jitter: 30 }), 'every hour, up to 30 seconds late'],
    [every({ every: '1h 30m' }), 'every 1 hour 30 minutes'],
    [cron({ hour: 3, minute: 0 }, 'Europe/Rome'), 'At 03:00, every day (Europe/Rome)'],
    [cron({ hour: 9, day_of_week: '0-4' }), 'At 09:00, Monday through Friday'],
    [cron({ day: '2nd fri,last', hour: 9 }), 'At 09:00, on the second Friday or the last day of the month'],
    [cron({ day: 13, day_of_week: 'fri' }), 'At 00:00, on day 13 of the month, only on Friday'],
    [cron({ week: '53, 1' }), 'At 00:00, in ISO week 53, 1'],
    [cron({ hour: 3, end_date: '2026-12-31' }), 'At 03:00, every day, until 2026-12-31'],
    [line('*/15 * * * *'), 'Every 15 minutes'],
    [line('0 0 13 6 1-5'), 'At 00:00, on day 13 of the month or Monday through Friday, only in June'],
    [{ trigger: 'date', trigger_args: { run_date: '2026-12-25' } }, 'once at 2026-12-25 00:00'],
    [{ trigger: 'date', trigger_args: { run_date: '2026-12-25T08:30:00Z' }, timezone: 'Europe/Rome' },
      'once at 2026-12-25 08:30:00Z']
  ]
  for (const [spec, words] of wordings) t.equal(wordsFor(spec), words)
})
