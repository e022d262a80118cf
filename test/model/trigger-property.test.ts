import * as fc from 'fast-check'
import tap from 'tap'
import type { Trigger, TriggerSpec } from '../../core/model/trigger.ts'
import { compileTrigger } from '../../core/model/trigger.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const ZONES = ['UTC', 'Australia/Lord_Howe', 'Africa/Casablanca', 'Pacific/Apia', 'America/St_Johns', 'Europe/Dublin',
  'America/Sao_Paulo', 'US/Pacific', 'Antarctica/Troll', '+05:30']
const NAMES = ['minute', 'hour', 'day', 'month', 'day_of_week'] as const
const LIMITS = { minute: [0, 59], hour: [0, 23], day: [1, 31], month: [1, 12], day_of_week: [0, 6] } as const

type Name = typeof NAMES[number]
interface Drawn {
  text: string
  values: Set<number>
}

const span = (first: number, last: number, step: number) => {
  const values: number[] = []
  for (let value = first; value <= last; value += step) values.push(value)
  return values
}

function drawField (name: Name) {
  const [min, max] = LIMITS[name]
  const all = fc.constant<Drawn>({ text: '*', values: new Set(span(min, max, 1)) })
  const list = fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 4 })
    .map(values => ({ text: values.join(','), values: new Set(values) }))
  const range = fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    .map(([first, last]) => ({ text: `${first}-${last}`, values: new Set(span(first, last, 1)) }))
  const step = fc.integer({ min: 1, max: max - min }).map(by => ({
    text: `*/${by}`,
    values: new Set(span(min, max, by))
  }))
  // Dates that hardly ever match would leave nothing to compare.
  const often = name === 'minute' || name === 'hour' ? 1 : 5
  return fc.oneof({ arbitrary: all, weight: often }, { arbitrary: list, weight: 1 }, { arbitrary: range, weight: 1 }, {
    arbitrary: step,
    weight: 1
  })
}

type Fields = Record<Name, Drawn>
const drawFields: fc.Arbitrary<Fields> = fc.record({
  minute: drawField('minute'),
  hour: drawField('hour'),
  day: drawField('day'),
  month: drawField('month'),
  day_of_week: drawField('day_of_week')
})

const cronOf = (fields: Fields, timezone: string): TriggerSpec => ({
  trigger: 'cron',
  trigger_args: Object.fromEntries(NAMES.map(name => [name, fields[name].text])),
  timezone
})

/** Instants near clock changes of a zone and anywhere else. */
function drawInstant (zone: string) {
  const anywhere = fc.integer({ min: Date.UTC(1975, 0, 1), max: Date.UTC(2060, 0, 1) })
  const nearChange = fc.tuple(anywhere, fc.integer({ min: -2 * DAY, max: DAY })).map(([at, apart]) => {
    const change = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).getTimeZoneTransition('previous')
    // Years, and so fires, begin with 1970.
    return Math.max(change?.epochMilliseconds ?? at, Date.UTC(1971, 0, 1)) + apart
  })
  return fc.oneof(anywhere, nearChange)
}

const drawCase = fc.constantFrom(...ZONES).chain(zone =>
  fc.record({ zone: fc.constant(zone), fields: drawFields, at: drawInstant(zone) })
)

const matches = (fields: Fields, wall: Temporal.PlainDateTime) =>
  fields.minute.values.has(wall.minute) && fields.hour.values.has(wall.hour) && fields.day.values.has(wall.day) &&
  fields.month.values.has(wall.month) && fields.day_of_week.values.has(wall.dayOfWeek - 1)

/** What the law says about one minute, by looking at the clock alone. */
function firesAt (fields: Fields, zone: string, at: number): boolean {
  const fixed = !/[*/]/.test(fields.minute.text + fields.hour.text)
  const now = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)
  const wall = now.toPlainDateTime()
  if (!fixed) return matches(fields, wall)
  const before = now.subtract({ minutes: 1 })
  const jump = (now.offsetNanoseconds - before.offsetNanoseconds) / 60e9
  const skipped = jump > 0 && jump <= 180 ? span(0, jump, 1).slice(1) : []
  if (skipped.some(minutes => matches(fields, before.toPlainDateTime().add({ minutes })))) return true
  return matches(fields, wall) && wall.toZonedDateTime(zone, { disambiguation: 'earlier' }).epochMilliseconds === at
}

function walk (trigger: Trigger, from: number, to: number): number[] {
  const found: number[] = []
  for (let at = trigger.next(from); at !== null && at <= to; at = trigger.next(at)) found.push(at)
  return found
}

tap.test('a cron fires at just the minutes that the clock of its zone says [F22]', async () => {
  fc.assert(fc.property(drawCase, ({ zone, fields, at }) => {
    const from = Math.floor(at / MINUTE) * MINUTE
    const to = from + 2 * DAY
    const expected = span(from + MINUTE, to, MINUTE).filter(minute => firesAt(fields, zone, minute))
    return expected.join() === walk(compileTrigger(cronOf(fields, zone), 0), from, to).join()
  }), { numRuns: 300 })
})

tap.test('the next fire is the same from every instant before it', async () => {
  fc.assert(fc.property(drawCase, fc.nat(), ({ zone, fields, at }, offset) => {
    const trigger = compileTrigger(cronOf(fields, zone), 0)
    const next = trigger.next(at)
    if (next === null) return true
    const between = at + offset % (next - at)
    return next > at && trigger.next(between) === next &&
      compileTrigger(cronOf(fields, zone), 1).next(next - 1) === next
  }), { numRuns: 500 })
})

const drawSpec: fc.Arbitrary<TriggerSpec> = fc.oneof(
  drawCase.map(({ zone, fields }) => cronOf(fields, zone)),
  fc.record({
    trigger: fc.constant('interval'),
    trigger_args: fc.record({ minutes: fc.integer({ min: 1, max: 5000 }), seconds: fc.integer({ min: 0, max: 59 }) })
  }),
  fc.record({
    trigger: fc.constant('interval'),
    trigger_args: fc.record({
      hours: fc.integer({ min: 1, max: 300 }),
      start_date: fc.constantFrom('2020-02-29', '2035-01-01 10:00:00'),
      end_date: fc.constantFrom('2036-06-01', '2019-01-01')
    })
  }),
  fc.constant<TriggerSpec>({ trigger: 'date', trigger_args: { run_date: '2030-05-05 05:05:05' } })
)

tap.test('looking back and counting agree with walking', async () => {
  const from = fc.integer({ min: Date.UTC(1975, 0, 1), max: Date.UTC(2060, 0, 1) })
  fc.assert(fc.property(drawSpec, from, fc.integer({ min: 0, max: 20 * DAY }), (spec, start, length) => {
    const trigger = compileTrigger(spec, Date.UTC(2020, 0, 1))
    const found: number[] = []
    const end = start + length
    for (let at = trigger.next(start); at !== null && at <= end && found.length < 200; at = trigger.next(at)) {
      found.push(at)
    }
    if (trigger.count(start, end, 200) !== found.length) return false
    const last = found.length < 200 ? end : found.at(-1)!
    return trigger.latest(start, last) === (found.at(-1) ?? null)
  }), { numRuns: 500 })
})

tap.test('the last fire of many years is found in bounded work', async t => {
  const trigger = compileTrigger({ trigger: '* * * * * *', timezone: 'Europe/Rome' }, 0)
  const to = Date.UTC(2026, 5, 1, 12, 0, 0, 500)
  t.equal(trigger.latest(Date.UTC(1975, 0, 1), to), to - 500)
  t.equal(trigger.count(Date.UTC(1975, 0, 1), to, 25), 25)
})
