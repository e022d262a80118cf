import t from 'tap'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { houseOf, standing } from './floors/house.ts'
import { importsIn } from '../docs/pictures/imports.ts'
import { IMPORT_RULES } from './floors/imports.ts'
import { PURE_RULES } from './floors/pure.ts'
import { SIZE_RULES, longFunctions } from './floors/sizes.ts'
import type { House } from './floors/house.ts'

const RULES = [...IMPORT_RULES, ...PURE_RULES, ...SIZE_RULES]
const HOUSE = standing()

t.test('the files are read with their imports', async t => {
  t.ok(HOUSE.files.length > 80)
  t.ok(HOUSE.own.length > 200)
  t.ok(HOUSE.others.length > 200)
})

for (const { name, teaches, found } of RULES) {
  t.test(name, async t => {
    t.strictSame(found(HOUSE), [], teaches)
  })
}

/** Files that import each other as given: `a.ts > b.ts`, `a.ts = b.ts` for a type. */
function planted (...arrows: string[]): House {
  const imports = arrows.map(one => {
    const [from, sign, to] = one.split(' ') as [string, string, string]
    return { from, to, kind: sign === '>' ? 'value' as const : 'type' as const }
  })
  const files = [...new Set(imports.flatMap(({ from, to }) => [from, to]))].filter(file => file.includes('/'))
  return houseOf({ files: files.toSorted(), imports })
}

const written = (file: string, text: string): House => houseOf({ files: [file], text: () => text })
const many = Array.from({ length: 16 }, (_, place) => `core/work/run/part${place}.ts`)
const GATES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

/** A fault that each rule must find, and what it says of it. */
const FAULTS: Record<string, [House, string]> = {
  'every file stands on a floor': [planted('core/other/a.ts = core/model/notice.ts'), 'core/other/a.ts'],
  'imports go down, or stay in their own area': [
    planted('core/model/run/run.ts > core/work/run/runner.ts'),
    'core/model/run/run.ts imports core/work/run/runner.ts: from floor 0 to floor 2'
  ],
  'plugins and tasks import core/index.ts, and their own folder': [
    planted('plugins/runs.ts > core/manager.ts'),
    'plugins/runs.ts imports core/manager.ts'
  ],
  'core/work sees the engine as a type': [
    planted('core/work/run/runner.ts > core/engine/checks.ts'),
    'core/work/run/runner.ts imports core/engine/checks.ts'
  ],
  'core/engine/*.ts imports nothing from a keeper': [
    planted('core/engine/checks.ts = core/engine/sqlite/keeper.ts'),
    'core/engine/checks.ts imports core/engine/sqlite/keeper.ts'
  ],
  'every package has one home': [
    planted('core/model/run/run.ts > node:sqlite'),
    'core/model/run/run.ts imports node:sqlite'
  ],
  'what is imported can be read': [
    written('core/log.ts', 'const name = "pi" + "no"\nconst pino = await import(name)\n'),
    'core/log.ts has import('
  ],
  'no import goes round in a circle': [
    planted('core/work/run/a.ts > core/work/run/b.ts', 'core/work/run/b.ts = core/work/run/a.ts'),
    'core/work/run/a.ts -> core/work/run/b.ts -> core/work/run/a.ts'
  ],
  'folders below core/* form no circle': [
    planted('core/work/run/a.ts > core/work/desk/b.ts', 'core/work/desk/c.ts = core/work/run/d.ts'),
    'core/work/run -> core/work/desk -> core/work/run: core/work/run/a.ts imports core/work/desk/b.ts; ' +
    'core/work/desk/c.ts imports core/work/run/d.ts'
  ],
  'the model has no clock, no chance and no I/O of its own': [
    written('core/model/run/run.ts', 'const at = Date.now()\n'),
    'core/model/run/run.ts has Date.now'
  ],
  'no file or folder is named for being useful': [written('core/work/utils.ts', ''), 'core/work/utils.ts'],
  'every gate is listed once': [
    written('core/model/gates/a.ts', 'export const fan: Gate = () => null\n'),
    'the gate fan is listed 0 times'
  ],
  'no line is wider than 120 columns': [written('core/log.ts', `\n${'x'.repeat(121)}\n`), 'core/log.ts:2'],
  'no folder shows more than 15 files': [houseOf({ files: many }), 'core/work/run/ shows 16 files']
}

t.test('each rule finds the fault that it is there for', async t => {
  for (const { name, found } of RULES) {
    const [house, sentence] = FAULTS[name] ?? []
    if (house !== undefined) t.strictSame(found(house), [sentence], name)
  }
  const long = houseOf({ files: ['plugins/runs.ts'], text: () => '\n'.repeat(1000) })
  const longer = SIZE_RULES.filter(({ name }) => / lines/.test(name) && !name.includes('function'))
  for (const { name, found } of longer) t.equal(found(long).length, 1, name)
  t.equal(longer.length, 3)
})

t.test('each source of time, chance and I/O is found in the model', async t => {
  const { found } = PURE_RULES[0]!
  const file = 'core/model/run/run.ts'
  for (
    const code of ['new Date', 'new Date()', 'Temporal.Now.instant()', 'setInterval(f, 1)', 'crypto.randomUUID()',
      'process.env.HOME', "import('node:fs')", 'fetch(url)', 'performance.now()']
  ) t.equal(found(written(file, `const a = ${code}\n`)).length, 1, code)
  t.strictSame(found(written(file, '// The end of a process.\nconst at = new Date(now)\n')), [])
})

t.test('a file of gates whose gate has another form is found', async t => {
  const { found } = PURE_RULES.find(({ name }) => name === 'every gate is listed once')!
  for (const text of ['export function fan () {}\n', 'export const fan = (() => null) satisfies Gate\n']) {
    t.strictSame(found(written('core/model/gates/fan.ts', text)), [
      'the gate of core/model/gates/fan.ts is listed 0 times'
    ])
  }
})

t.test('a second list of the names of gates is found', async t => {
  const gates = GATES.map(name => `export const ${name}: Gate = () => null\n`).join('')
  const listed = GATES.map(name => `{ gate: ${name}, kind: 'order' }`).join('\n')
  const house = houseOf({
    files: ['core/model/gates/a.ts', 'core/cli/b.ts'],
    text: file => file === 'core/cli/b.ts' ? `const NAMES = ['${GATES.join("', '")}']` : gates + listed
  })
  const { found } = PURE_RULES.find(({ name }) => name === 'every gate is listed once')!
  t.strictSame(found(house), ['core/cli/b.ts has a second list of names of gates'])
})

t.test('an import of a package is found in every form', async t => {
  const name = 'node:sqlite'
  for (
    const code of [`import '${name}'`, `import { a } from '${name}'`, `export * from "${name}"`,
      `await import('${name}')`, `await import(\`${name}\`)`, `import("${name}", { with: {} })`,
      `const { a } = require('${name}')`, `process.getBuiltinModule('${name}')`, `import.meta.resolve('${name}')`]
  ) t.strictSame(importsIn(code).map(({ to }) => to), [name], code)
  const { found } = IMPORT_RULES.find(rule => rule.name === 'what is imported can be read')!
  for (
    const code of ['import(name)', 'import(`node:${name}`)', "import('node:' + name)", 'createRequire(url)',
      'require(name)']
  ) t.equal(found(written('core/log.ts', `const a = ${code}\n`)).length, 1, code)
})

t.test('a function of more than 40 lines is found', async t => {
  const root = mkdtempSync(join(tmpdir(), 'offpeak-long-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  writeFileSync(join(root, 'a.ts'), `export function long () {\n${'  void 0\n'.repeat(39)}}\n`)
  t.strictSame(longFunctions(root, ['.']).map(({ line, lines }) => ({ line, lines })), [{ line: 1, lines: 41 }])
})
