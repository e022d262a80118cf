import t from 'tap'
import fc from 'fast-check'
import { HOUR, MINUTE } from '../../core/model/base/duration.ts'
import { config } from './gates/machine.ts'
import { inlineWindow, isOpen, openingAt, windowAt, windowOf } from '../../core/model/machine/window.ts'

const at = (text: string) => Date.parse(text)
const opening = (text: string, zone: string, instant: string) => {
  const found = openingAt(inlineWindow(text, zone)!, at(instant))
  return found &&
    [new Date(found.from).toISOString(), found.to === Infinity ? 'never' : new Date(found.to).toISOString()]
}

const OPENINGS: [string, string, string, string, [string, string]][] = [
  ['later today', '13:00-14:00', 'UTC', '2026-11-22T12:00:00Z', ['2026-11-22T13:00:00.000Z',
    '2026-11-22T14:00:00.000Z']],
  ['now', '12:00-14:00', 'UTC', '2026-11-22T12:00:00Z', ['2026-11-22T12:00:00.000Z', '2026-11-22T14:00:00.000Z']],
  ['at its end: tomorrow', '10:00-12:00', 'UTC', '2026-11-22T12:00:00Z', ['2026-11-23T10:00:00.000Z',
    '2026-11-23T12:00:00.000Z']],
  ['over midnight, before it', '22:00-08:00', 'Europe/Rome', '2026-11-22T22:30:00Z', ['2026-11-22T21:00:00.000Z',
    '2026-11-23T07:00:00.000Z']],
  ['over midnight, after it', '22:00-08:00', 'Europe/Rome', '2026-11-23T06:59:59Z', ['2026-11-22T21:00:00.000Z',
    '2026-11-23T07:00:00.000Z']],
  ['to the end of the day', '20:00-24:00', 'UTC', '2026-11-22T12:00:00Z', ['2026-11-22T20:00:00.000Z',
    '2026-11-23T00:00:00.000Z']],
  ['all day', '00:00-24:00', 'UTC', '2026-11-22T12:00:00Z', ['2026-11-22T00:00:00.000Z', 'never']],
  ['round the clock from another hour', '05:00-05:00', 'UTC', '2026-11-22T12:00:00Z', ['2026-11-22T05:00:00.000Z',
    'never']],
  ['a start in the gap of spring is the end of the gap', '02:30-05:00', 'Europe/Rome', '2026-03-28T12:00:00Z', [
    '2026-03-29T01:00:00.000Z',
    '2026-03-29T03:00:00.000Z'
  ]],
  ['an end in the gap too', '01:00-02:30', 'Europe/Rome', '2026-03-28T12:00:00Z', ['2026-03-29T00:00:00.000Z',
    '2026-03-29T01:00:00.000Z']],
  ['a window within the gap is left out that night', '02:10-02:50', 'Europe/Rome', '2026-03-29T00:00:00Z', [
    '2026-03-30T00:10:00.000Z',
    '2026-03-30T00:50:00.000Z'
  ]],
  ['a start in the overlap of autumn is the first of the two', '02:30-05:00', 'Europe/Rome', '2026-10-24T12:00:00Z', [
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T04:00:00.000Z'
  ]],
  ['a night of autumn is an hour longer', '22:00-08:00', 'Europe/Rome', '2026-10-24T20:30:00Z', [
    '2026-10-24T20:00:00.000Z',
    '2026-10-25T07:00:00.000Z'
  ]],
  ['a zone of half an hour', '01:00-02:00', 'Asia/Kolkata', '2026-11-22T12:00:00Z', ['2026-11-22T19:30:00.000Z',
    '2026-11-22T20:30:00.000Z']]
]

for (const [what, text, zone, instant, expected] of OPENINGS) {
  t.test(`the opening: ${what}`, t => {
    t.strictSame(opening(text, zone, instant), expected)
    t.end()
  })
}

t.test('the day of a window over midnight is the one on which it opens', t => {
  const fridays = windowOf('x', { start: '22:00', end: '02:00', days: ['fri'] }, 'UTC')
  t.ok(isOpen(fridays, at('2026-11-27T23:00:00Z')))
  t.ok(isOpen(fridays, at('2026-11-28T01:59:00Z')), 'early on Saturday')
  t.notOk(isOpen(fridays, at('2026-11-27T01:00:00Z')), 'but not early on Friday')
  t.notOk(isOpen(fridays, at('2026-11-28T23:00:00Z')))
  t.end()
})

t.test('text other than two times of day is not a window', t => {
  t.strictSame(
    ['1:00-2:00', '25:00-26:00', 'off_peak', '01:00', '01:00-24:30', ''].map(text => inlineWindow(text, 'UTC')),
    [null, null, null, null, null, null]
  )
  t.end()
})

t.test('peak and off-peak share the day between them, in every zone and season', t => {
  const instants = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') })
  fc.assert(
    fc.property(instants, fc.constantFrom('Europe/Rome', 'America/New_York', 'Australia/Lord_Howe', 'UTC'),
      (now, zone) =>
        isOpen(inlineWindow('08:00-22:00', zone)!, now) !== isOpen(inlineWindow('22:00-08:00', zone)!, now)),
    { numRuns: 500 }
  )
  t.end()
})

t.test('an opening contains the instant or is the next one, and what lies between is closed', t => {
  const times = fc.integer({ min: 0, max: 47 }).map(half =>
    `${String(half >> 1).padStart(2, '0')}:${half % 2 ? '30' : '00'}`
  )
  fc.assert(
    fc.property(times, times, fc.integer({ min: at('2026-03-20T00:00:00Z'), max: at('2026-11-10T00:00:00Z') }),
      (start, end, now) => {
        const window = inlineWindow(`${start}-${end}`, 'Europe/Rome')!
        const found = openingAt(window, now)!
        if (found.to <= now) return false
        if (found.to !== Infinity && isOpen(window, found.to)) return false
        return found.from <= now ||
          (!isOpen(window, now) && !isOpen(window, found.from - 1) && isOpen(window, found.from))
      }),
    { numRuns: 500 }
  )
  t.end()
})

t.test('of several windows in force the one that leaves least counts, until it closes', t => {
  const settings = config({
    scheduling: {
      time_windows: {
        lunch: { start: '12:00', end: '13:00', resource_limit: 0.1 },
        always: { start: '00:00', end: '24:00' }
      }
    }
  })
  const noon = at('2026-11-22T12:00:00Z')
  t.match(windowAt(settings, noon), { name: 'lunch', resource_limit: 0.1, closes_at: noon + HOUR })
  t.match(windowAt(settings, noon + HOUR), { name: 'peak', resource_limit: 0.5, closes_at: noon + 10 * HOUR })
  t.match(windowAt(settings, noon - MINUTE), { name: 'peak' })
  t.end()
})
