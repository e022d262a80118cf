import t from 'tap'
import { cpSync, globSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { execFile } from '../child.ts'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import type { ExecFileException } from 'node:child_process'
import { ROOT, textOf } from './blocks.ts'
import { applyBlock, changed, recipesOf } from './recipes.ts'
import { isUsers } from '../built-in.ts'
import { formatted } from '../form/form.ts'

const PAGE = 'CONTRIBUTING.md'
const RECIPES = recipesOf(PAGE)
const COPIED = '{core,plugins,backgroundtask,bin,test,bench,docs,package}/**/*'
const LONG = 240_000

t.setTimeout(LONG * 4)

/** A copy of the project; packages are those of this one. */
function copy (): string {
  const root = mkdtempSync(join(tmpdir(), 'offpeak-recipes-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const files = globSync([COPIED, 'package.json', 'tsconfig.json', 'config.json', 'config.schema.json'], {
    cwd: ROOT,
    withFileTypes: true,
    exclude: entry => entry.name === 'node_modules' || entry.name === '.tap'
  })
  const paths = files.filter(entry => entry.isFile()).map(({ parentPath, name }) =>
    relative(ROOT, join(parentPath, name))
  )
  for (const path of paths.filter(one => !isUsers(one))) cpSync(join(ROOT, path), join(root, path))
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  return root
}

/** Runs a program in the copy; null when it succeeds, else what it printed. */
async function faultsOf (root: string, [program, ...words]: [string, ...string[]]): Promise<string | null> {
  const { NODE_OPTIONS: _, ...env } = process.env
  const options = { cwd: root, env: { ...env, TAP: '1' }, maxBuffer: 2 ** 26 }
  return await promisify(execFile)(program, words, options).then(
    () => null,
    ({ stdout, stderr }: ExecFileException) => `${stdout}${stderr}`.slice(-3000)
  )
}

const root = copy()

t.test('a recipe for each thing that is added most', async t => {
  t.strictSame(RECIPES.map(({ name }) => name), ['Add a gate', 'Add a sensor', 'Add a listener or a channel',
    'Add a command', 'Add a route', 'Add a trigger', 'Add a migration'])
  for (const { name, blocks } of RECIPES) t.match(blocks.at(-1)!.file, /\.test\.ts$/, `${name}: ends with its test`)
})

t.test('the recipes can be carried out, one after the other', async t => {
  for (const { name, blocks } of RECIPES) {
    for (const block of blocks) t.doesNotThrow(() => applyBlock(block, root), `${name}: ${block.file}`)
  }
  t.equal(await faultsOf(root, [process.execPath, 'test/form/write.ts']), null, 'they can be formatted')
  // The compiler does not start under the hooks that tap gives to every process.
  const tsc = ['env', '-u', 'NODE_OPTIONS', join(ROOT, 'node_modules/.bin/tsc')] as const
  t.equal(await faultsOf(root, [...tsc]), null, 'what they make has the types it says')
})

t.test('what recipes show has the form of the formatter', async t => {
  for (const { blocks } of RECIPES) {
    for (const { file, text, language } of blocks) {
      if (language === 'ts') t.strictSame(formatted(file!, text).split('\n'), text.split('\n'), file!)
    }
  }
})

for (const { name, blocks } of RECIPES) {
  t.test(`${name}: its test passes`, { timeout: LONG }, async t => {
    t.equal(await faultsOf(root, [process.execPath, blocks.at(-1)!.file!]), null)
  })
}

t.test('the copy keeps the rules of the house', async t => {
  t.equal(await faultsOf(root, [process.execPath, 'test/floors.test.ts']), null)
})

t.test('lines that do not stand in one place alone are refused', async t => {
  t.equal(changed('a\nb\n', ' a\n+c\n', 'here'), 'a\nc\nb\n')
  t.equal(changed('a(b, c)\n', '-a(b, …\n+a(x, b, …\n', 'here'), 'a(x, b, c)\n')
  t.throws(() => changed('a\na\n', ' a\n+c\n', 'here'), { message: /^here: these lines stand in 2 places/ })
  t.throws(() => changed('a\n', '-x\n', 'here'), { message: /^here: these lines stand in 0 places/ })
})

t.test('the commands of the page are scripts of the package', async t => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  const named = [...textOf(PAGE).matchAll(/npm (?:run )?(check|test|format|docs|version)\b/g)].map(([, name]) => name!)
  t.ok(named.length > 5)
  t.strictSame(named.filter(name => scripts[name] === undefined), [])
})
