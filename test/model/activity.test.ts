import t from 'tap'
import fc from 'fast-check'
import { DAY, HOUR, MINUTE } from '../../core/model/base/duration.ts'
import { emptyHistogram, expected, hourOfWeek, learn, quietest } from '../../core/model/machine/activity.ts'
import type { Histogram } from '../../core/model/machine/activity.ts'

const MONDAY = Date.parse('2026-11-02T00:00:00Z')
const WEEK = 7 * DAY
const activity = { half_life: '4w', min_weeks: 2 }
const zone = 'UTC'

/** A machine that was watched every ten minutes for some weeks. */
function watched (
  weeks: number,
  busyAt: (hour: number, week: number) => number,
  from: Histogram = emptyHistogram()
): Histogram {
  let histogram = from
  for (let at = MONDAY; at < MONDAY + weeks * WEEK; at += 10 * MINUTE) {
    histogram = learn({
      histogram,
      at,
      busy: busyAt(hourOfWeek(at, zone), Math.floor((at - MONDAY) / WEEK)),
      zone,
      activity
    })
  }
  return histogram
}

const office = (hour: number) => hour % 24 >= 8 && hour % 24 < 20 ? 0.8 : hour % 24 === 3 ? 0.02 : 0.2
const after = (weeks: number, hours: number) => MONDAY + weeks * WEEK + hours * HOUR

t.test('the hours of the week begin on Monday by the wall clock', t => {
  t.strictSame([MONDAY, MONDAY + 25 * HOUR, MONDAY - 1].map(at => hourOfWeek(at, 'UTC')), [0, 25, 167])
  t.equal(hourOfWeek(MONDAY, 'Europe/Rome'), 1)
  t.equal(hourOfWeek(MONDAY - 5 * HOUR - 30 * MINUTE, 'Asia/Kolkata'), 0)
  t.end()
})

t.test('a run is moved to the quietest hour inside its tolerance, with confidence and reason', t => {
  const histogram = watched(4, office)
  const ask = { histogram, from: after(4, 0), to: after(4, 6), durationMs: HOUR, zone, activity }
  const found = quietest(ask)
  t.equal(found.at, after(4, 3))
  t.ok(found.confidence > 0.7 && found.confidence < 1)
  t.match(found.reason, /2 % busy then, and 20 % at the nominal time/)
  t.equal(quietest({ ...ask, to: after(4, 2) }).at, after(4, 0), 'never beyond it')
  t.equal(quietest({ ...ask, to: after(4, 3) }).at, after(4, 3), 'but at its very end')
  t.end()
})

t.test('only instants at which the run may start are chosen, otherwise the nominal one', t => {
  const histogram = watched(4, office)
  const ask = { histogram, from: after(4, 0), to: after(4, 6), durationMs: HOUR, zone, activity }
  const hourAt = (at: number) => (at - after(4, 0)) / HOUR
  t.equal(quietest({ ...ask, allows: at => hourAt(at) !== 3 }).at, after(4, 0))
  t.equal(quietest({ ...ask, from: after(4, -3), allows: at => hourAt(at) >= -1 && hourAt(at) <= 3 }).at, after(4, 3))
  t.equal(quietest({ ...ask, allows: () => false }).at, after(4, 0))
  t.end()
})

t.test('a long run looks at all of its hours', t => {
  const histogram = watched(4, hour => [1, 0, 1, 0.3, 0.3, 1][hour % 24] ?? 1)
  t.equal(quietest({ histogram, from: after(4, 0), to: after(4, 5), durationMs: HOUR, zone, activity }).at, after(4, 1))
  t.equal(quietest({ histogram, from: after(4, 0), to: after(4, 5), durationMs: 2 * HOUR, zone, activity }).at,
    after(4, 3))
  t.end()
})

t.test('thin data leaves the nominal time', t => {
  const ask = { from: after(4, 0), to: after(4, 6), durationMs: HOUR, zone, activity }
  t.match(quietest({ histogram: emptyHistogram(), ...ask }), { at: after(4, 0), confidence: 0, reason: /too little/ })
  t.match(quietest({ histogram: watched(1, office), ...ask, from: after(1, 0), to: after(1, 6) }), {
    at: after(1, 0),
    confidence: 0
  })
  t.end()
})

t.test('of hours that are as quiet as each other the first is taken, and the least known makes the confidence', t => {
  const histogram = watched(4, hour => [2, 4].includes(hour % 24) ? 0 : 0.5)
  const ask = { histogram, from: after(4, 0), to: after(4, 5), durationMs: HOUR, zone, activity }
  t.equal(quietest(ask).at, after(4, 2))
  const more = learn({ histogram, at: after(4, 1), busy: 0.5, zone, activity })
  t.equal(
    quietest({ ...ask, histogram: learn({ histogram: more, at: after(5, 1), busy: 0.5, zone, activity }) }).confidence,
    quietest(ask).confidence
  )
  t.end()
})

t.test('a gain that is hardly one leaves the nominal time', t => {
  const histogram = watched(4, hour => hour % 24 === 3 ? 0.17 : 0.2)
  t.match(quietest({ histogram, from: after(4, 0), to: after(4, 6), durationMs: HOUR, zone, activity }), {
    at: after(4, 0),
    reason: /no hour is much quieter/
  })
  t.end()
})

t.test('an hour counts once a week however often it is sampled, and old weeks count less', t => {
  const histogram = watched(12, (_, week) => week < 6 ? 1 : 0)
  const { busy, weeks } = expected({ histogram, at: after(12, 5), zone, activity })!
  t.ok(weeks < 7, 'twelve weeks at a half life of four')
  t.ok(busy > 0.2 && busy < 0.35, `${busy} busy`)
  const dense = learn({ histogram: emptyHistogram(), at: MONDAY, busy: 1, zone, activity })
  t.equal(
    expected({
      histogram: [1, 2, 3, 4].reduce(
        (known, minute) => learn({ histogram: known, at: MONDAY + minute * MINUTE, busy: 1, zone, activity }),
        dense
      ),
      at: MONDAY + 9 * MINUTE,
      zone,
      activity
    }),
    null
  )
  t.end()
})

t.test('it is plain JSON, its input stays unchanged, and a clock set back loses nothing', t => {
  const histogram = watched(3, office)
  const before = JSON.stringify(histogram)
  t.strictSame(JSON.parse(before), histogram)
  const back = learn({ histogram, at: MONDAY, busy: 1, zone, activity })
  t.equal(expected({ histogram: back, at: after(3, 0), zone, activity })!.weeks,
    expected({ histogram, at: after(3, 0), zone, activity })!.weeks)
  t.equal(JSON.stringify(histogram), before)
  t.end()
})

t.test('whatever was learned, the answer lies between nominal time and tolerance', t => {
  const histogram = watched(3, office)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 * WEEK }), fc.integer({ min: 0, max: DAY }),
      fc.integer({ min: 0, max: 5 * HOUR }), (start, flex, durationMs) => {
      const from = MONDAY + 3 * WEEK + start
      const { at, confidence } = quietest({ histogram, from, to: from + flex, durationMs, zone, activity })
      return at >= from && at <= from + flex && confidence >= 0 && confidence < 1
    }),
    { numRuns: 100 }
  )
  t.end()
})
