import t from 'tap'
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const FILES = globSync('{core,plugins,backgroundtask}/**/*.{ts,mts,js,mjs}', { cwd: ROOT }).toSorted()

/** Lower floors know nothing of higher ones. The first pattern that fits counts. */
const FLOORS: [RegExp, number][] = [
  [/^core\/cli(\.ts$|\/)/, 6],
  [/^core\/server\.ts$/, 5],
  [/^(plugins|backgroundtask)\//, 4],
  [/^core\/(simulate\/|[a-z]+\.ts$)/, 3],
  [/^core\/work\//, 2],
  [/^core\/(engine|load|sense)\//, 1],
  [/^core\/model\//, 0]
]

/** The one place where each package is used; what is not named here is not used at all. */
const HOMES: Record<string, RegExp> = {
  'fastify': /^(core\/server\.ts|plugins\/)/,
  'fastify-plugin': /^(core\/server\.ts|plugins\/)/,
  '@fastify/helmet': /^plugins\//,
  '@fastify/swagger': /^plugins\//,
  '@fastify/swagger-ui': /^plugins\//,
  '@fastify/type-provider-typebox': /^(core\/server\.ts|plugins\/)/,
  'toad-scheduler': /^core\/work\/upkeep\/ticker\.ts$/,
  'systeminformation': /^core\/sense\//,
  'pino': /^core\/log\.ts$/,
  'node:sqlite': /^core\/engine\//,
  'chokidar': /^core\/load\//,
  'jsonc-parser': /^core\/load\//,
  'parse-duration': /^core\/model\/base\/duration\.ts$/,
  'cronstrue': /^core\/model\/trigger\/words\.ts$/,
  'commander': /^core\/cli/,
  'nodemailer': /^backgroundtask\//,
  'modern-tar': /^backgroundtask\//,
  'piscina': /^core\/work\/isolate\/threads\.ts$/,
  'typebox': /./
}

interface Import {
  from: string
  to: string
  kind: 'type' | 'value'
}

const IMPORT = /^\s*(?:import|export)\s+(type\s+)?(?:[^'"\n;{]*?(?:\{[^}'";]*\})?\sfrom\s+)?['"]([^'"]+)['"]/gm
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

function importsOf (file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const found = [...text.matchAll(IMPORT)].map(([, type, to]) => ({
    to: to!,
    kind: type ? 'type' as const : 'value' as const
  }))
  const later = [...text.matchAll(DYNAMIC)].map(([, to]) => ({ to: to!, kind: 'value' as const }))
  return [...found, ...later].map(({ to, kind }) => ({
    from: file,
    kind,
    to: to.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), to)) : to
  }))
}

const IMPORTS = FILES.flatMap(importsOf)
const OWN = IMPORTS.filter(({ to }) => FILES.includes(to))
const floorOf = (file: string) => FLOORS.find(([pattern]) => pattern.test(file))?.[1]
const roomOf = (file: string) => file.split('/').slice(0, 2).join('/')

t.test('every file stands on a floor', t => {
  t.strictSame(FILES.filter(file => floorOf(file) === undefined), [])
  t.ok(FILES.length > 80, 'and they are read at all')
  t.ok(OWN.length > 200, 'with their imports')
  t.end()
})

t.test('imports go down, or stay in their own folder', t => {
  const wrong = OWN.filter(({ from, to }) =>
    floorOf(to)! > floorOf(from)! ||
    (floorOf(to) === floorOf(from) && floorOf(from)! < 3 && roomOf(from) !== roomOf(to))
  )
  t.strictSame(wrong.map(({ from, to }) => `${from} -> ${to}`), [])
  t.end()
})

t.test('plugins and tasks import the public face, and their own folder', t => {
  const faces = OWN.filter(({ from, to }) =>
    floorOf(from) === 4 && to !== 'core/index.ts' && roomOf(to).split('/')[0] !== from.split('/')[0]
  )
  t.strictSame(faces.map(({ from, to }) => `${from} -> ${to}`), [])
  const borrowed = OWN.filter(({ from, to }) => floorOf(to) === 4 && floorOf(from) !== 4)
  t.strictSame(borrowed.map(({ from, to }) => `${from} -> ${to}`), [], 'and core knows none of them by name')
  t.end()
})

t.test('the moving parts see the engine as a type', t => {
  const wrong = OWN.filter(({ from, to, kind }) =>
    from.startsWith('core/work/') && to.startsWith('core/engine/') && kind === 'value'
  )
  t.strictSame(wrong.map(({ from, to }) => `${from} -> ${to}`), [])
  t.end()
})

t.test('every package has one home', t => {
  const packages = IMPORTS.filter(({ to }) => !FILES.includes(to) && to !== 'package.json')
  const nameOf = (to: string) =>
    to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : to.startsWith('node:') ? to : to.split('/')[0]!
  const wrong = packages.filter(({ from, to }) => {
    const name = nameOf(to)
    const home = HOMES[name]
    return home
      ? !home.test(from)
      : !(name.startsWith('node:') && builtinModules.includes(name.split('/')[0]!.slice(5)))
  })
  t.strictSame(wrong.map(({ from, to }) => `${from} -> ${to}`), [])
  t.end()
})

t.test('no import goes round in a circle', t => {
  const next = Map.groupBy(OWN, ({ from }) => from)
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) return void circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (done.has(file)) return
    for (const { to } of next.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of FILES) visit(file, [])
  t.strictSame(circles, [])
  t.end()
})

t.test('no file is longer than 300 lines, and half of them are shorter than 80', t => {
  const all = [...FILES, ...globSync('{test,bench}/**/*.ts', { cwd: ROOT })].filter(file =>
    !file.includes('node_modules') && !file.includes('fixtures')
  )
  const lines = (file: string) => readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1
  t.strictSame(all.filter(file => lines(file) > 420).map(file => `${file}: ${lines(file)}`), [])
  const own = FILES.map(lines).toSorted((a, b) => a - b)
  t.ok(own[own.length >> 1]! < 85, `the median is ${own[own.length >> 1]}`)
  t.end()
})

t.test('the model has no clock, no chance and no I/O of its own', t => {
  const clock = 'core/model/base/clock.ts'
  const words = /\bDate\.now\(|\bMath\.random\(|new Date\(\)|\bperformance\.now\(|\bsetTimeout\(|from 'node:(?!util)/
  const model = FILES.filter(file => floorOf(file) === 0 && file !== clock)
  const wrong = model.filter(file => words.test(readFileSync(join(ROOT, file), 'utf8')))
  t.strictSame(wrong, [])
  t.end()
})

t.test('no file or folder is named for being useful', t => {
  t.strictSame(FILES.filter(file => /(^|\/)(utils?|common|helpers?|types?|misc|lib)(\.|\/)/.test(file)), [])
  t.end()
})
