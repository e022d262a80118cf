import t from 'tap'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DAY, HOUR, MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { FIELDS, emptyTimeline, extend, merged, pointOf, select } from '../../core/model/machine/history.ts'
import { History } from '../../core/sense/history.ts'
import { unknownReading } from '../../core/model/machine/reading.ts'
import type { Point, Timeline } from '../../core/model/machine/history.ts'
import type { Reading } from '../../core/model/machine/reading.ts'

const NOON = Date.parse('2026-11-22T12:00:00Z')
const point = (at: number, values: Point['values'], count = 1): Point => ({ at, count, values })
const reading = (at: number, busy: number | 'unknown', power: Reading['power'] = 'mains'): Reading => ({
  ...unknownReading(at),
  power,
  cpu: { busy, own: 'unknown', load: 'unknown', cores: 2 }
})
const all = { from: 0, to: Infinity }

t.test('a stored reading contains only known values', async t => {
  t.strictSame(pointOf(reading(NOON, 0.5)), point(NOON, { power: 'mains', cpu_busy: 0.5 }))
  const disks = [{ path: '/', free_bytes: 1, used: 0.3 }, { path: '/b', free_bytes: 1, used: 0.8 }, {
    path: '/c',
    free_bytes: 1,
    used: 'unknown' as const
  }]
  t.equal(pointOf({ ...reading(NOON, 0.5), disks }).values.disk_used, 0.8, 'of disks the fullest')
})

const MERGED: [string, Point, Point, Point][] = [
  ['numbers are means by count', point(1, { cpu_busy: 0.2 }, 3), point(2, { cpu_busy: 0.6 }),
    point(1, { cpu_busy: 0.3 }, 4)],
  ['of words the last one stands', point(1, { power: 'mains' }, 9), point(2, { power: 'battery' }),
    point(1, { power: 'battery' }, 10)],
  ['of yes and no too', point(1, { online: true }), point(2, { online: false }), point(1, { online: false }, 2)],
  ['what was unknown weighs nothing', point(1, { cpu_busy: 0.4 }, 2), point(2, {}), {
    ...point(1, { cpu_busy: 0.4 }, 3),
    gaps: { cpu_busy: 1 }
  }],
  ['and goes on to weigh nothing', { ...point(1, { cpu_busy: 0.4 }, 3), gaps: { cpu_busy: 2 } },
    point(2, { cpu_busy: 0.8 }), { ...point(1, { cpu_busy: 0.6 }, 4), gaps: { cpu_busy: 2 } }]
]

t.test('two points can be merged', async t => {
  for (const [what, first, second, expected] of MERGED) {
    const found = merged(first, second)
    t.ok(Math.abs(Number(found.values.cpu_busy ?? 0) - Number(expected.values.cpu_busy ?? 0)) < 1e-9, what)
    t.strictSame({ ...found, values: { ...found.values, cpu_busy: 0 } }, {
      ...expected,
      values: { ...expected.values, cpu_busy: 0 }
    }, what)
  }
})

t.test('recent readings are kept at a finer resolution, and old ones are dropped', async t => {
  let timeline: Timeline = emptyTimeline()
  const levels = [{ stepMs: SECOND, keepMs: 10 * SECOND }, { stepMs: 10 * SECOND, keepMs: MINUTE }, {
    stepMs: MINUTE,
    keepMs: HOUR
  }]
  for (let second = 0; second < 2 * 3600; second++) {
    timeline = extend(timeline, point(NOON + second * SECOND, { cpu_busy: second % 10 / 10 }), levels)
  }
  t.strictSame(timeline.map(points => points.length), [10, 6, 60])
  t.strictSame(timeline[1]?.map(({ count }) => count), [10, 10, 10, 10, 10, 10])
  t.ok(timeline[2]?.every(({ values }) => Math.abs(Number(values.cpu_busy) - 0.45) < 1e-9))
  const shown = select(timeline, all)
  t.strictSame(shown.map(({ at }) => at), shown.map(({ at }) => at).toSorted((a, b) => a - b))
  t.equal(shown.filter(({ at }) => at >= timeline[0]![0]!.at).length, 10, 'the finest that reaches back')
  t.equal(shown[0]?.at, timeline[2]![0]!.at, 'the coarsest where no other does')
})

t.test('a period is returned at the requested resolution', async t => {
  const timeline = Array.from({ length: 120 }, (_, index) => index).reduce(
    (line, index) => extend(line, point(NOON + index * 5000, { cpu_busy: index < 60 ? 0 : 1 })),
    emptyTimeline()
  )
  const shown = select(timeline, { from: NOON, to: NOON + 10 * MINUTE, step: 5 * MINUTE })
  t.strictSame(shown, [point(NOON, { cpu_busy: 0 }, 60), point(NOON + 5 * MINUTE, { cpu_busy: 1 }, 60)])
  t.equal(select(timeline, { from: NOON + MINUTE, to: NOON + 2 * MINUTE }).length, 13, 'both ends are within')
})

t.test('readings in the future are dropped when the clock is set back', async t => {
  const ahead = extend(extend(emptyTimeline(), point(NOON, { cpu_busy: 1 })),
    point(NOON + 30 * MINUTE, { cpu_busy: 1 }))
  const back = extend(ahead, point(NOON + MINUTE, { cpu_busy: 0 }))
  t.strictSame(back.map(points => points.map(({ at }) => at - NOON)), [[0, MINUTE], [0, MINUTE], [0]])
})

t.test('the history survives a restart, with a line for each minute', async t => {
  const folder = t.testdir({})
  const file = join(folder, 'readings.jsonl')
  const first = new History({ folder })
  await first.load(NOON)
  for (let second = 0; second < 300; second += 5) {
    first.add(reading(NOON + second * SECOND, second < 60 ? 0.25 : 'unknown', second < 120 ? 'mains' : 'battery'))
  }
  await first.stop()
  t.equal(first.fault, null)
  t.equal(readFileSync(file, 'utf8').split('\n').length, 1 + 5)
  t.equal(statSync(file).mode & 0o777, 0o600)
  const second = new History({ folder })
  await second.load(NOON + 10 * MINUTE)
  t.strictSame(second.query(all), [
    point(NOON, { power: 'mains', cpu_busy: 0.25 }, 12),
    point(NOON + MINUTE, { power: 'mains' }, 12),
    point(NOON + 2 * MINUTE, { power: 'battery' }, 12),
    point(NOON + 3 * MINUTE, { power: 'battery' }, 12),
    point(NOON + 4 * MINUTE, { power: 'battery' }, 12)
  ])
})

t.test('the readable lines of a truncated or older file are loaded', async t => {
  const folder = t.testdir({
    'readings.jsonl': `{"fields":["cpu_busy","gone","power"]}\n[${NOON},12,0.5,3,"mains"]\nrubbish\n[${
      NOON + MINUTE
    },12,0.6`
  })
  const history = new History({ folder })
  await history.load(NOON + HOUR)
  history.add(reading(NOON + HOUR, 0.1))
  await history.stop()
  const next = new History({ folder })
  await next.load(NOON + 2 * HOUR)
  t.strictSame(next.query(all), [point(NOON, { cpu_busy: 0.5, power: 'mains' }, 12),
    point(NOON + HOUR, { power: 'mains', cpu_busy: 0.1 }, 1)])
})

t.test('the file keeps minutes for a day and quarters of an hour for thirty days', async t => {
  const line = (at: number) => JSON.stringify([at, 12, ...FIELDS.map(field => field === 'cpu_busy' ? 0.5 : null)])
  const folder = t.testdir({})
  const file = join(folder, 'readings.jsonl')
  const minutes = Array.from({ length: 40 * 24 * 60 / 10 }, (_, index) => NOON - 40 * DAY + index * 10 * MINUTE)
  writeFileSync(file, [JSON.stringify({ fields: FIELDS }), ...minutes.map(line)].join('\n'))
  const history = new History({ folder })
  await history.load(NOON)
  const lines = readFileSync(file, 'utf8').split('\n').length
  t.ok(lines > 2900 && lines < 3050, `${lines} lines are left of ${minutes.length}`)
  const again = new History({ folder })
  await again.load(NOON)
  // The quarter in which the minutes begin loses what came before them.
  const shown = (one: History) => one.query(all).filter(({ at }) => Math.abs(at - (NOON - DAY)) > 15 * MINUTE)
  t.strictSame(shown(again), shown(history), 'and thinning twice is thinning once')
  t.ok(history.query(all)[0]!.at > NOON - 30 * DAY - HOUR)
})

t.test('a folder that cannot be written is reported [F47]', async t => {
  const folder = join(t.testdir({ file: '' }), 'file')
  const history = new History({ folder })
  await history.load(NOON)
  for (const minute of [0, 1, 2]) history.add(reading(NOON + minute * MINUTE, 0.5))
  await history.stop()
  t.match(history.fault, /EEXIST|ENOTDIR/)
})
