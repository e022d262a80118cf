import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { VERSION } from '../core/version.ts'
import { pinned, versionOf } from './peers/packages.ts'
import { reaches } from './row.ts'
import type { Row, Target } from './row.ts'

/** What was measured, where and when. */
export interface About {
  offpeak: string
  node: string
  sqlite: string
  machine: string
  at: string
  rounds: number
  servers: string[]
  peers: Record<string, string>
}

/** This machine, and the versions of all that takes part. */
export function machine ({ rounds, servers }: Pick<About, 'rounds' | 'servers'>): About {
  const peers = Object.keys(pinned()).flatMap(name => {
    const version = versionOf(name)
    return version === null ? [] : [[name, version] as const]
  })
  const where = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${
    Math.round(totalmem() / 2 ** 30)
  } GiB, ${type()} ${release()} ${arch()}`
  return {
    offpeak: VERSION,
    node: process.version,
    sqlite: process.versions.sqlite!,
    machine: where,
    at: new Date().toISOString(),
    rounds,
    servers,
    peers: Object.fromEntries(peers)
  }
}

/** A figure as people read it: three digits that count. */
export const figure = (value: number): string => {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toLocaleString('en', {
    minimumFractionDigits: Math.min(digits, 3),
    maximumFractionDigits: Math.min(digits, 3)
  })
}

const targetWords = ({ of, least, most }: Target) =>
  `${least === undefined ? '≤' : '≥'} ${figure(least ?? most ?? 0)}${of === 'ratio' ? ' ×' : ''}`

const MARKS = new Map([[true, 'yes'], [false, 'NO'], [null, '']])

function cells (row: Row): string[] {
  const { name, unit, value, spread, ratio, ratio_to: other, durability = '', target, note = '' } = row
  if (value === null) return [name, '', '', '', '', '', note]
  return [
    name,
    `${figure(value)} ${unit}`.trim(),
    spread === undefined ? '' : `± ${Math.round(spread * 100)} %`,
    ratio === undefined ? '' : `${figure(ratio)} × ${other}`,
    target === undefined ? '' : `${targetWords(target)} ${MARKS.get(reaches(row))}`.trim(),
    durability,
    note
  ]
}

const HEADS = ['', 'median', 'spread', 'ratio', 'target', 'durability', 'note']

/** The rows as a Markdown table for each group. */
export function table (rows: readonly Row[]): string {
  return [...Map.groupBy(rows, ({ group }) => group)].map(([group, own]) => {
    const lines = [HEADS, ...own.map(cells)]
    const widths = HEADS.map((_, column) => Math.max(3, ...lines.map(line => line[column]!.length)))
    const text = (line: readonly string[]) =>
      `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
    return [`## ${group}`, '', text(lines[0]!), `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`,
      ...lines.slice(1).map(text), ''].join('\n')
  }).join('\n')
}

/** RESULTS.md: the tables, under what was measured where. */
export function page (rows: readonly Row[], about: About): string {
  const versions = [`offpeak ${about.offpeak}`, `Node ${about.node}`, `SQLite ${about.sqlite}`, ...about.servers,
    ...Object.entries(about.peers).map(([name, version]) => `${name} ${version}`)]
  return [
    '# Results',
    '',
    `Medians of ${about.rounds} rounds on ${
      about.at.slice(0, 10)
    }; what each row is, is output in [README.md](README.md).`,
    '',
    `Machine: ${about.machine}.`,
    '',
    `Versions: ${versions.join(', ')}.`,
    '',
    table(rows)
  ].join('\n')
}
