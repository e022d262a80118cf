import t from 'tap'
import { calmReading, readingOf, stateWith } from '../../core/model/machine/machine-state.ts'
import { changesFromCsv, changesFromPoints } from '../../core/model/machine/recording.ts'
import { pointOf } from '../../core/model/machine/history.ts'

const instant = (text: string) => Number.isNaN(Date.parse(text)) ? null : Date.parse(text)
const read = (text: string) => changesFromCsv({ text, file: 'day.csv', instant })
const NINE = '2026-03-10T09:00:00Z'

t.test('each row is a change: an empty cell keeps its value, and unknown is a value', async t => {
  const changes = read(
    '\uFEFFat, power,battery_level,charging,cpu_busy,signal.price,probe.film\r\n# a remark\n' +
      `${NINE},battery,80,no,0.4,"0,5",yes\n2026-03-10T10:00:00Z,,unknown,,,12,\n`
  )
  t.strictSame(changes, [
    {
      power: 'battery',
      battery: { level: 80, charging: false },
      cpu: { busy: 0.4 },
      signals: { price: '0,5' },
      probes: { film: true },
      at: Date.parse(NINE)
    },
    { battery: { level: 'unknown' }, signals: { price: 12 }, at: Date.parse('2026-03-10T10:00:00Z') }
  ])
})

t.test('an error is named with its line and column', async t => {
  const place = { file: 'day.csv' }
  t.throws(() => read(''), { code: 'OFFPEAK_READINGS_INVALID', place: { ...place, line: 1 } })
  t.throws(() => read('time,power\n'), { message: /found 'time', expected the first column to be 'at'/ })
  t.throws(() => read('at,power,colour\n'), {
    message: /found the column 'colour', expected one of power, /,
    place: { ...place, line: 1, column: 10 }
  })
  t.throws(() => read(`at,power\n\n${NINE},mains\nsoon,mains\n`), {
    message: /found 'soon'/,
    place: { line: 4, column: 1 }
  })
  t.throws(() => read(`at,power\n${NINE},mains\n${NINE},mains\n`), {
    message: /after that of the row before/,
    place: { line: 3, column: 1 }
  })
  t.throws(() => read(`at,power,cpu_busy\n${NINE},mains, 1.5\n`), {
    message: /cpu_busy: found '1.5', expected a share/,
    place: { line: 2, column: 29 }
  })
  t.throws(() => read(`at,power\n${NINE},mains,1\n`), {
    message: /found 3 cells, expected 2/,
    place: { line: 2, column: 28 }
  })
})

t.test('recorded readings are read as changes', async t => {
  const reading = readingOf({ power: 'battery', battery: { level: 61, charging: false }, cpu: { busy: 0.7 } }, 1000)
  const [change] = changesFromPoints([pointOf(reading)])
  t.match(change, {
    at: 1000,
    power: 'battery',
    battery: { level: 61, charging: false },
    cpu: { busy: 0.7 },
    network: { online: true }
  })
})

t.test('a state is a calm desktop except for the fields it names', async t => {
  t.strictSame(readingOf({}, 5), calmReading(5))
  t.match(readingOf({ battery: { level: 40 } }, 5), { power: 'mains', battery: { present: true, level: 40 } })
  const state = stateWith({ signals: { price: 3 }, battery: { level: 40 } }, {
    signals: { price: null },
    battery: { charging: true }
  })
  t.match(readingOf(state, 5), { battery: { level: 40, charging: true } })
  t.strictSame(readingOf(state, 5).signals, {})
})
