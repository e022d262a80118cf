import { foundWords } from '../base/check.ts'
import { readingsInvalid } from '../errors/input-errors.ts'
import { stateWith } from './machine-state.ts'
import type { Point, Value } from './history.ts'
import type { MachineState } from './machine-state.ts'

/** A change of a simulated machine at an instant (epoch ms); all other fields stay as they were. */
export interface Change extends MachineState {
  at: number
}

type Read = (text: string) => Value | undefined

const flag: Read = text =>
  ['true', 'yes', '1'].includes(text) ? true : ['false', 'no', '0'].includes(text) ? false : undefined
const number = (least: number, most: number): Read => text => {
  const value = Number(text)
  return text !== '' && value >= least && value <= most ? value : undefined
}
const source: Read = text => ['mains', 'battery'].includes(text) ? text : undefined
const anything: Read = text =>
  flag(text) !== undefined && !/^[01]$/.test(text) ? flag(text) : Number.isFinite(Number(text)) ? Number(text) : text

const share = number(0, 1)
const percent = number(0, 100)

interface Column {
  read: Read
  expected: string
  put: (value: never) => MachineState
}

const SHARE = 'a share from 0 to 1'
const FLAG = 'true or false'

/** The known columns, by the names used in recorded readings. */
const COLUMNS: Record<string, Column> = {
  power: { read: source, expected: 'mains or battery', put: power => ({ power }) },
  battery_level: { read: percent, expected: 'percent from 0 to 100', put: level => ({ battery: { level } }) },
  charging: { read: flag, expected: FLAG, put: charging => ({ battery: { charging } }) },
  cpu_busy: { read: share, expected: SHARE, put: busy => ({ cpu: { busy } }) },
  cpu_own: { read: share, expected: SHARE, put: own => ({ cpu: { own } }) },
  memory_used: { read: share, expected: SHARE, put: used => ({ memory: { used } }) },
  io_busy: { read: share, expected: SHARE, put: busy => ({ io: { busy } }) },
  idle_seconds: { read: number(0, Infinity), expected: 'seconds', put: idle => ({ idle_seconds: idle }) },
  online: { read: flag, expected: FLAG, put: online => ({ network: { online } }) },
  metered: { read: flag, expected: FLAG, put: metered => ({ network: { metered } }) },
  temperature: { read: number(-100, 200), expected: 'degrees Celsius', put: temperature => ({ temperature }) }
}

const FAMILIES: [RegExp, (name: string) => Column][] = [
  [/^signal\.([a-z0-9][a-z0-9._-]{0,63})$/,
    name => ({ read: anything, expected: 'a value', put: value => ({ signals: { [name]: value } }) })],
  [/^probe\.([a-z0-9][a-z0-9._-]{0,63})$/,
    name => ({ read: flag, expected: FLAG, put: busy => ({ probes: { [name]: busy } }) })]
]

function columnOf (name: string): Column | null {
  if (Object.hasOwn(COLUMNS, name)) return COLUMNS[name]!
  for (const [pattern, make] of FAMILIES) {
    const [, of] = pattern.exec(name) ?? []
    if (of !== undefined) return make(of)
  }
  return null
}

interface Cell {
  text: string
  column: number
}

/** The cells of a line with the columns (from 1) at which they begin; quotes may hold commas. */
function cellsOf (line: string): Cell[] {
  const cells: Cell[] = []
  for (const { 0: whole, 1: quoted, 2: bare, index } of line.matchAll(
    /(?:^|,)[ \t]*(?:"((?:[^"]|"")*)"[ \t]*|([^,]*))(?=,|$)/g
  )) {
    const lead = whole.length - whole.replace(/^,?[ \t]*/, '').length
    cells.push({ text: quoted?.replaceAll('""', '"') ?? bare!.trim(), column: index + lead + 1 })
  }
  return cells
}

interface CsvAsk {
  text: string
  /** The file it was read from, for messages. */
  file?: string | undefined
  /** Parses an instant to epoch ms; null when it is not one. */
  instant: (text: string) => number | null
}

type Head = { column: Column, name: string }[]

function headOf (cells: readonly Cell[], refuse: (column: number, message: string) => never): Head {
  if (cells[0]?.text !== 'at') {
    refuse(1, `found ${foundWords(cells[0]?.text ?? '')}, expected the first column to be 'at'`)
  }
  return cells.slice(1).map(({ text: name, column: at }) => {
    const known = [...Object.keys(COLUMNS), 'signal.NAME', 'probe.NAME'].join(', ')
    return {
      name,
      column: columnOf(name) ?? refuse(at, `found the column ${foundWords(name)}, expected one of ${known}`)
    }
  })
}

/** The changes in a CSV table, in order of time. Its first column is `at`; a value holds until a later row changes it,
 *  an empty cell changes nothing. Throws OFFPEAK_READINGS_INVALID with line and column. */
export function changesFromCsv ({ text, file, instant }: CsvAsk): Change[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/).map((content, index) => ({ content, line: index + 1 }))
    .filter(({ content }) => content.trim() !== '' && !content.startsWith('#'))
  const refuseAt = (line: number) => (column: number, message: string): never => {
    throw readingsInvalid({ file, line, column, message })
  }
  const [first, ...rest] = lines
  if (first === undefined) {
    throw readingsInvalid({
      file,
      line: 1,
      column: 1,
      message: 'found nothing, expected a first line such as at,power,battery_level'
    })
  }
  const head = headOf(cellsOf(first.content), refuseAt(first.line))
  let before = -Infinity
  return rest.map(({ content, line }) => {
    const refuse = refuseAt(line)
    const [at, ...cells] = cellsOf(content)
    const now = instant(at!.text) ??
      refuse(at!.column, `found ${foundWords(at!.text)}, expected an instant such as 2026-11-22T09:10`)
    if (now <= before) {
      refuse(at!.column, `found ${foundWords(at!.text)}, expected an instant after that of the row before`)
    }
    before = now
    if (cells.length > head.length) {
      refuse(cells[head.length]!.column,
        `found ${cells.length + 1} cells, expected ${head.length + 1} as in the first line`)
    }
    return {
      ...cells.reduce<MachineState>((state, cell, index) => stateWith(state, stateOf(cell, head[index]!, refuse)), {}),
      at: now
    }
  })
}

function stateOf (
  { text, column: at }: Cell,
  { name, column }: Head[number],
  refuse: (column: number, message: string) => never
): MachineState {
  if (text === '') return {}
  if (text === 'unknown') return column.put('unknown' as never)
  return column.put(
    (column.read(text) ?? refuse(at, `${name}: found ${foundWords(text)}, expected ${column.expected}`)) as never
  )
}

const RECORDED: Record<string, string> = { battery_charging: 'charging' }

/** The changes in recorded readings. Fields that were not recorded are those of a calm machine. */
export const changesFromPoints = (points: readonly Point[]): Change[] =>
  points.map(({ at, values }) => {
    const states = Object.entries(values).flatMap(([field, value]) =>
      columnOf(RECORDED[field] ?? field)?.put(value as never) ?? []
    )
    return { ...states.reduce(stateWith, {}), at }
  })
