import { spawnSync } from '../child.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from '../../docs/pictures/imports.ts'
import { OWN_TASKS } from '../built-in.ts'
import { linesOf } from './house.ts'
import type { House, Rule } from './house.ts'

const MOST_LINES = 300
const MOST_OF_A_PLUGIN = 75
const MEDIAN = 85
const MOST_COLUMNS = 120
const MOST_FILES = 15
const MOST_IN_A_FUNCTION = 40

const all = ({ files, others }: House) => [...files, ...others]
const lengthOf = (file: string, { text }: House) => linesOf(text(file)).length

const filesAreShort: Rule = {
  name: `no file is longer than ${MOST_LINES} lines`,
  teaches:
    'a file that has grown a second reason to change is divided by reason; each part is named after what it exports',
  found: house =>
    all(house).filter(file => lengthOf(file, house) > MOST_LINES).map(file =>
      `${file} has ${lengthOf(file, house)} lines`
    )
}

const pluginsFitAScreen: Rule = {
  name: `no plugin is longer than ${MOST_OF_A_PLUGIN} lines`,
  teaches: 'a plugin fits one screen: schemas belong into plugins/_schema, what its routes share into plugins/_http, ' +
    'and a second group of routes into a file of its own',
  found: house =>
    house.files.filter(file => /^plugins\/[^/]+\.ts$/.test(file) && lengthOf(file, house) > MOST_OF_A_PLUGIN).map(
      file => `${file} has ${lengthOf(file, house)} lines`
    )
}

const halfOfThemAreShorter: Rule = {
  name: `the median of a file of the product is at most ${MEDIAN} lines`,
  teaches: 'many files have grown: divide by reason',
  found: house => {
    const sorted = house.files.map(file => lengthOf(file, house)).toSorted((a, b) => a - b)
    const median = sorted[sorted.length >> 1] ?? 0
    return median <= MEDIAN ? [] : [`the median is ${median} lines`]
  }
}

const linesAreNarrow: Rule = {
  name: `no line is wider than ${MOST_COLUMNS} columns`,
  teaches: 'npm run format fills comments and code; shorten or divide a string',
  found: house =>
    all(house).flatMap(file =>
      linesOf(house.text(file)).flatMap((line, at) => line.length > MOST_COLUMNS ? [`${file}:${at + 1}`] : [])
    )
}

/** Folders that are lists, not rooms: a file in them is found by its name, such as `offpeak why` in why.ts. */
const LISTS = ['core/cli/command', 'core/model/gates', 'core/sense/sensor', 'plugins']

const foldersAreSmall: Rule = {
  name: `no folder shows more than ${MOST_FILES} files`,
  teaches: 'a folder of rooms that shows more than a screen holds two rooms: give the lower one a folder of its own ' +
    `(${LISTS.join(', ')} are excepted: a command, a gate, a sensor, a route is found by its name)`,
  found: ({ files }) =>
    [...Map.groupBy(files, dirname)].flatMap(([folder, { length }]) =>
      length <= MOST_FILES || LISTS.includes(folder) ? [] : [`${folder}/ shows ${length} files`]
    )
}

interface Diagnostic {
  message: string
  filename: string
  labels: { span: { line: number } }[]
}

/** What oxlint finds of functions that are too long, in these folders below `root`. */
export function longFunctions (
  root: string,
  folders: readonly string[]
): { file: string, line: number, lines: number }[] {
  const scratch = mkdtempSync(join(tmpdir(), 'offpeak-floors-'))
  const config = join(scratch, 'oxlint.json')
  const rules = { 'max-lines-per-function': ['error', { max: MOST_IN_A_FUNCTION }] }
  writeFileSync(config, JSON.stringify({ categories: { correctness: 'off' }, rules, ignorePatterns: ['**/fixtures'] }))
  // The linter does not start under the hooks that tap gives to every process.
  const words = ['-u', 'NODE_OPTIONS', join(ROOT, 'node_modules/.bin/oxlint'), '-c', config, '-f', 'json', ...folders]
  const { stdout } = spawnSync('env', words, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
  rmSync(scratch, { recursive: true })
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] }
  return diagnostics.map(({ message, filename, labels }) => ({
    file: filename,
    line: labels[0]!.span.line,
    lines: Number(/\((\d+)\)/.exec(message)![1])
  }))
}

const SOURCES = ['core', 'plugins', ...OWN_TASKS, 'test', 'bench', 'docs', 'package']

const functionsAreShort: Rule = {
  name: `no function is longer than ${MOST_IN_A_FUNCTION} lines`,
  teaches: 'name the steps of a long function and make each a function of its own; a long test has its set-up in a ' +
    'function or is two tests',
  found: ({ files }) =>
    files.length === 0
      ? []
      : longFunctions(ROOT, SOURCES).map(({ file, line, lines }) => `${file}:${line} is a function of ${lines} lines`)
}

/** The rules of how much there is in one place. */
export const SIZE_RULES: readonly Rule[] = [filesAreShort, pluginsFitAScreen, halfOfThemAreShorter, linesAreNarrow,
  foldersAreSmall, functionsAreShort]
