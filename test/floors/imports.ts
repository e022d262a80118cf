import { builtinModules } from 'node:module'
import { dirname } from 'node:path'
import { arrowsBetween, circlesOf } from '../../docs/pictures/imports.ts'
import type { Import } from '../../docs/pictures/imports.ts'
import type { House, Rule } from './house.ts'

/** Lower floors know nothing of higher ones. The first pattern that fits counts. */
const FLOORS: [RegExp, number][] = [
  [/^core\/cli(\.ts$|\/)/, 6],
  [/^core\/server\.ts$/, 5],
  [/^(plugins|backgroundtask)\//, 4],
  [/^core\/((compose|simulate)\/|[a-z-]+\.ts$)/, 3],
  [/^core\/work\//, 2],
  [/^core\/(engine|load|sense)\//, 1],
  [/^core\/model\//, 0]
]

/** The one place where each package is used; a package that is not named here may not be imported. */
const HOMES: Record<string, RegExp> = {
  'fastify': /^(core\/(server|compilers)\.ts|plugins\/)/,
  'fastify-plugin': /^(core\/server\.ts|plugins\/)/,
  '@fastify/ajv-compiler': /^core\/compilers\.ts$/,
  '@fastify/fast-json-stringify-compiler': /^core\/compilers\.ts$/,
  '@fastify/helmet': /^plugins\//,
  '@fastify/swagger': /^plugins\//,
  '@fastify/swagger-ui': /^plugins\//,
  '@fastify/type-provider-typebox': /^(core\/server\.ts|plugins\/)/,
  'toad-scheduler': /^core\/work\/upkeep\/ticker\.ts$/,
  'systeminformation': /^core\/sense\//,
  'pino': /^core\/log\.ts$/,
  'node:sqlite': /^core\/engine\/sqlite\//,
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

const floorOf = (file: string) => FLOORS.find(([pattern]) => pattern.test(file))?.[1]
/** `core/work` of `core/work/run/runner.ts`. */
const areaOf = (file: string) => file.split('/').slice(0, 2).join('/')
const top = (file: string) => file.split('/')[0]
const arrow = ({ from, to }: Import) => `${from} imports ${to}`

const everyFileHasAFloor: Rule = {
  name: 'every file stands on a floor',
  teaches: 'a file belongs into core/{model,engine,load,sense,work,compose,simulate,cli}/, core/*.ts, plugins/ or ' +
    'backgroundtask/; a new area needs its floor in test/floors/imports.ts',
  found: ({ files }) => files.filter(file => floorOf(file) === undefined)
}

const isUpward = ({ from, to }: Import): boolean => {
  const [above, below] = [floorOf(to)!, floorOf(from)!]
  return above > below || (above === below && below < 3 && areaOf(from) !== areaOf(to))
}

const importsGoDown: Rule = {
  name: 'imports go down, or stay in their own area',
  teaches: 'the floors are model ← engine, load, sense ← work ← core/*.ts, simulate ← plugins, backgroundtask ← ' +
    'server ← cli. Move what is needed to the lower floor, or pass it in as an argument',
  found: ({ own }) =>
    own.filter(isUpward).map(one => `${arrow(one)}: from floor ${floorOf(one.from)} to floor ${floorOf(one.to)}`)
}

const facesSeeTheIndex: Rule = {
  name: 'plugins and tasks import core/index.ts, and their own folder',
  teaches: 'what a plugin or a task needs is exported by core/index.ts; core finds plugins and tasks by their folder ' +
    'and never imports them',
  found: ({ own }) =>
    own.filter(({ from, to }) =>
      (floorOf(from) === 4 && to !== 'core/index.ts' && top(to) !== top(from)) ||
      (floorOf(to) === 4 && floorOf(from) !== 4)
    ).map(arrow)
}

const workSeesTheSeam: Rule = {
  name: 'core/work sees the engine as a type',
  teaches: 'work is given its engine, which core/manager.ts chooses: use `import type` from core/engine/engine.ts',
  found: ({ own }) =>
    own.filter(({ from, to, kind }) =>
      from.startsWith('core/work/') && to.startsWith('core/engine/') && kind === 'value'
    ).map(arrow)
}

const seamKnowsNoKeeper: Rule = {
  name: 'core/engine/*.ts imports nothing from a keeper',
  teaches: 'core/engine/*.ts is what all keepers share. What knows SQL or a file belongs into core/engine/sqlite/',
  found: ({ own }) =>
    own.filter(({ from, to }) => /^core\/engine\/[^/]+$/.test(from) && /^core\/engine\/[^/]+\//.test(to)).map(arrow)
}

const nameOf = (to: string): string =>
  to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : to.startsWith('node:') ? to : to.split('/')[0]!

const isBuiltIn = (name: string) => name.startsWith('node:') && builtinModules.includes(name.split('/')[0]!.slice(5))

function homeless ({ from, to }: Import): boolean {
  const home = HOMES[nameOf(to)]
  return home ? !home.test(from) : !isBuiltIn(nameOf(to))
}

const packagesHaveAHome: Rule = {
  name: 'every package has one home',
  teaches:
    'one file or folder wraps each package, see HOMES in test/floors/imports.ts: import that, or name the home ' +
    'of a new package there',
  found: ({ imports, files }) =>
    imports.filter(one => !files.includes(one.to) && one.to !== 'package.json' && homeless(one)).map(arrow)
}

/** `import()` of a path that is made at run time, and what makes a `require`. */
const HIDDEN = /\bimport\((?!\s*(?:'[^'\n]*'|"[^"\n]*"|`[^`$\n]*`)\s*[,)])|\bcreateRequire\(|\brequire\((?!\s*['"])/g
/** The files that import what they are given, or by a path of their own. */
const LATE = ['core/compilers.ts', 'core/load/import/importer.ts', 'core/load/task/reader.ts', 'core/server.ts',
  'core/work/isolate/module.ts', 'core/work/watch/loop-watch.ts']
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm

const importsAreSeen: Rule = {
  name: 'what is imported can be read',
  teaches: 'a path that is made at run time hides a package from the rule of homes: use import() of a constant path. ' +
    'A file that imports task files or plugins is named in LATE of test/floors/imports.ts',
  found: ({ files, text }) =>
    files.filter(file => !LATE.includes(file)).flatMap(file =>
      [...text(file).replaceAll(COMMENT, '').matchAll(HIDDEN)].map(([found]) => `${file} has ${found}`)
    )
}

const noCircleOfFiles: Rule = {
  name: 'no import goes round in a circle',
  teaches: 'move what both need into a third file, or give the caller as an argument',
  found: ({ own }) => circlesOf(arrowsBetween(own, file => file)).map(circle => circle.join(' -> '))
}

const inArea = (file: string) => /^core\/[^/]+\//.test(file)

/** An example of each arrow of a circle of folders. */
const examples = (circle: readonly string[], { own }: House): string =>
  circle.slice(0, -1).map((folder, place) =>
    arrow(own.find(({ from, to }) => dirname(from) === folder && dirname(to) === circle[place + 1])!)
  ).join('; ')

const noCircleOfFolders: Rule = {
  name: 'folders below core/* form no circle',
  teaches: 'of two folders of an area one is below the other: move the file that points back to the folder it needs',
  found: house => {
    const within = house.own.filter(({ from, to }) => inArea(from) && areaOf(from) === areaOf(to))
    return circlesOf(arrowsBetween(within, dirname)).map(circle => `${circle.join(' -> ')}: ${examples(circle, house)}`)
  }
}

/** The rules of who may import what. */
export const IMPORT_RULES: readonly Rule[] = [everyFileHasAFloor, importsGoDown, facesSeeTheIndex, workSeesTheSeam,
  seamKnowsNoKeeper, packagesHaveAHome, importsAreSeen, noCircleOfFiles, noCircleOfFolders]
