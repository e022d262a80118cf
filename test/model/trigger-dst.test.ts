import tap from 'tap'
import { compileTrigger } from '../../core/model/trigger.ts'

/** The fires in (from, to] as UTC minutes, asked one after another. */
function fires ({ cron, zone, from, to }: { cron: string, zone: string, from: string, to: string }): string[] {
  const trigger = compileTrigger({ trigger: cron, timezone: zone }, 0)
  const found: string[] = []
  const end = Date.parse(to)
  for (let at = trigger.next(Date.parse(from)); at !== null && at <= end; at = trigger.next(at)) {
    found.push(new Date(at).toISOString().slice(0, 16))
  }
  return found
}

const newYorkGap = { zone: 'America/New_York', from: '2026-03-08T05:00:00Z', to: '2026-03-08T09:00:00Z' }
const newYorkOverlap = { zone: 'America/New_York', from: '2026-11-01T04:00:00Z', to: '2026-11-01T08:00:00Z' }

tap.test('a fixed time in the gap fires once, at the first instant after it [F22]', async t => {
  t.same(fires({ ...newYorkGap, cron: '30 2 * * *' }), ['2026-03-08T07:00'])
})

tap.test('several skipped times and a regular one at the end of the gap are one fire', async t => {
  t.same(fires({ ...newYorkGap, cron: '0,15,30 2,3 * * *' }), ['2026-03-08T07:00', '2026-03-08T07:15',
    '2026-03-08T07:30'])
})

tap.test('a wildcard goes on with the times that exist', async t => {
  t.same(fires({ ...newYorkGap, cron: '*/30 2 * * *' }), [])
  t.same(fires({ ...newYorkGap, cron: '30 * * * *' }), ['2026-03-08T05:30', '2026-03-08T06:30', '2026-03-08T07:30',
    '2026-03-08T08:30'])
})

tap.test('a fixed time in the overlap fires in the first pass only [F22]', async t => {
  t.same(fires({ ...newYorkOverlap, cron: '30 1 * * *' }), ['2026-11-01T05:30'])
  t.same(fires({ ...newYorkOverlap, cron: '30 0-2 * * *' }), ['2026-11-01T04:30', '2026-11-01T05:30',
    '2026-11-01T07:30'])
})

tap.test('a wildcard runs through both passes', async t => {
  t.same(fires({ ...newYorkOverlap, cron: '30 * * * *' }), ['2026-11-01T04:30', '2026-11-01T05:30', '2026-11-01T06:30',
    '2026-11-01T07:30'])
  t.same(fires({ ...newYorkOverlap, cron: '*/30 1 * * *' }), ['2026-11-01T05:00', '2026-11-01T05:30',
    '2026-11-01T06:00', '2026-11-01T06:30'])
})

tap.test('the second pass is not overlooked when the next date is a year away', async t => {
  t.same(fires({ ...newYorkOverlap, cron: '*/30 1 1 11 *' }), ['2026-11-01T05:00', '2026-11-01T05:30',
    '2026-11-01T06:00', '2026-11-01T06:30'])
  const trigger = compileTrigger({ trigger: '45 1 1 11 *', timezone: 'America/New_York' }, 0)
  t.equal(trigger.latest(0, Date.parse('2026-11-01T06:10:00Z')), Date.parse('2026-11-01T05:45:00Z'))
})

tap.test('asked between the two passes a fixed time is not run again', async t => {
  t.same(fires({ ...newYorkOverlap, from: '2026-11-01T06:00:00Z', cron: '45 1 * * *' }), [])
})

tap.test('asked inside the second pass, looking back finds the first pass', async t => {
  const trigger = compileTrigger({ trigger: '45 1 * * *', timezone: 'America/New_York' }, 0)
  t.equal(trigger.latest(0, Date.parse('2026-11-01T06:50:00Z')), Date.parse('2026-11-01T05:45:00Z'))
})

tap.test('half an hour is a gap and an overlap too', async t => {
  const zone = 'Australia/Lord_Howe'
  t.same(fires({ zone, cron: '15 2 * * *', from: '2026-10-03T12:00:00Z', to: '2026-10-04T00:00:00Z' }), [
    '2026-10-03T15:30'
  ])
  t.same(fires({ zone, cron: '45 1 * * *', from: '2026-04-04T12:00:00Z', to: '2026-04-05T00:00:00Z' }), [
    '2026-04-04T14:45'
  ])
  t.same(fires({ zone, cron: '45 * * * *', from: '2026-04-04T14:00:00Z', to: '2026-04-04T16:20:00Z' }), [
    '2026-04-04T14:45',
    '2026-04-04T15:15',
    '2026-04-04T16:15'
  ])
})

tap.test('a gap at midnight does not lose the day', async t => {
  t.same(
    fires({ zone: 'America/Sao_Paulo', cron: '0 0 * * *', from: '2018-11-03T12:00:00Z', to: '2018-11-05T12:00:00Z' }),
    ['2018-11-04T03:00', '2018-11-05T02:00']
  )
  t.same(
    fires({ zone: 'Africa/Cairo', cron: '30 0 * * fri', from: '2026-04-23T12:00:00Z', to: '2026-04-24T12:00:00Z' }),
    ['2026-04-23T22:00']
  )
})

tap.test('a day that the date line took away is not made up for', async t => {
  const day = { zone: 'Pacific/Apia', from: '2011-12-29T12:00:00Z', to: '2011-12-31T12:00:00Z' }
  t.same(fires({ ...day, cron: '0 12 * * *' }), ['2011-12-29T22:00', '2011-12-30T22:00'])
  t.same(fires({ ...day, cron: '0 12 30 12 *' }), [])
})

tap.test('a clock that goes back in summer is read by its offset, not by its name', async t => {
  t.same(
    fires({ zone: 'Africa/Casablanca', cron: '30 2 * * *', from: '2026-02-14T12:00:00Z', to: '2026-02-16T12:00:00Z' }),
    ['2026-02-15T01:30', '2026-02-16T02:30']
  )
  t.same(
    fires({ zone: 'Africa/Casablanca', cron: '30 2 * * *', from: '2026-03-21T12:00:00Z', to: '2026-03-23T12:00:00Z' }),
    ['2026-03-22T02:00', '2026-03-23T01:30']
  )
  t.same(fires({ zone: 'Europe/Dublin', cron: '30 1 * * *', from: '2026-10-24T12:00:00Z', to: '2026-10-26T12:00:00Z' }),
    ['2026-10-25T00:30', '2026-10-26T01:30'])
})

tap.test('a local date in a gap is read with the offset before it, in an overlap as the first', async t => {
  const instants = ['2026-03-08 02:30:00', '2026-11-01 01:30:00'].map(date =>
    compileTrigger({ trigger: 'date', trigger_args: { run_date: date }, timezone: 'America/New_York' }, 0).next(0)
  )
  t.same(instants, [Date.parse('2026-03-08T07:30:00Z'), Date.parse('2026-11-01T05:30:00Z')])
})

tap.test('an interval counts elapsed time through a clock change', async t => {
  const trigger = compileTrigger({
    trigger: 'interval',
    trigger_args: { days: 1, start_date: '2026-03-07 12:00:00' },
    timezone: 'America/New_York'
  }, 0)
  t.equal(trigger.next(Date.parse('2026-03-07T17:00:00Z')), Date.parse('2026-03-08T17:00:00Z'))
})
