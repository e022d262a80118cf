import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cli, place, serve } from './setup.ts'

const FOLDER = join(import.meta.dirname, '../../core/cli/command')
const FILES = readdirSync(FOLDER).filter(name => name.endsWith('.ts')).toSorted()
const textOf = (name: string) => readFileSync(join(FOLDER, name), 'utf8')

/** Names of earlier versions, which the help does not list. */
const OLD = ['discard', 'replay']

/** The commands that a help text lists. */
const listedIn = (help: string): string[] =>
  [...help.split('\nExamples:')[0]!.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name!).filter(name =>
    name !== 'help'
  )

t.test('every command of the help is in the file of its name, and no other', async t => {
  const listed = listedIn((await cli(['--help'], { cwd: FOLDER })).out)
  t.ok(listed.length > 30, `${listed.length} commands are listed`)
  const names = [...listed, ...OLD]
  t.strictSame(FILES, names.map(name => `${name}.ts`).toSorted())
  for (const name of names) {
    const defined = [...textOf(`${name}.ts`).matchAll(/\bprogram\.command\('([a-z]+)/g)].map(([, word]) => word)
    t.strictSame(defined, [name], `command/${name}.ts defines ${name}`)
  }
})

t.test('the help has groups and examples, and each example is a command with its options', async t => {
  const { out, code } = await cli(['help'], { cwd: FOLDER })
  t.equal(code, 0)
  t.strictSame([...out.matchAll(/^([A-Z]\w+):$/gm)].map(([, heading]) => heading), ['Options', 'Start', 'Look', 'Do',
    'Later', 'Data', 'Examples'])
  t.equal((await cli(['--help'], { cwd: FOLDER })).out, out)
  const names = [...listedIn(out), ...OLD]
  const helps = new Map(
    await Promise.all(names.map(async name => [name, (await cli([name, '--help'], { cwd: FOLDER })).out] as const))
  )
  const examples = [out, ...helps.values()].flatMap(text => [...text.matchAll(/^ {2}offpeak ([a-z]+)(.*?) {2}/gm)])
  t.ok(examples.length > 25, `${examples.length} examples`)
  for (const [line, word, rest] of examples) {
    const name = { ls: 'tasks', ps: 'runs' }[word!] ?? word!
    for (const [, option] of rest!.matchAll(/ (--?[a-z][a-z-]*)/g)) {
      t.match(helps.get(name), new RegExp(`(?:^|[ ,])${option}\\b`, 'm'), line.trim())
    }
  }
})

t.test('short names, and options before the command', async t => {
  const cwd = place(t)
  const { out: version } = await cli(['-v'], { cwd })
  t.match(version, /^\d+\.\d+\.\d+/)
  for (const old of ['-V', '--version']) t.equal((await cli([old], { cwd })).out, version)
  const { url } = await serve(t, [], { cwd })
  const ask = async (...words: string[]) => await cli(words, { cwd })
  t.equal((await ask('ls')).out, (await ask('tasks')).out)
  t.equal((await ask('ps')).out, (await ask('runs')).out)
  t.match(await ask('status'), { code: 0, out: /^ok/ })
  const json = JSON.parse((await ask('tasks', '--json')).out)
  t.strictSame(JSON.parse((await ask('--json', 'ls')).out), json)
  t.strictSame(JSON.parse((await ask('--url', url, '--json', 'ls', '--status', 'idle,scheduled')).out), json)
  t.match(await ask('taks'), { code: 2, err: /unknown command 'taks'\n\(Did you mean tasks\?\)/ })
})

t.test('subcommands are in the file of their command', async t => {
  const names = listedIn((await cli(['token', '--help'], { cwd: FOLDER })).out)
  const defined = [...textOf('token.ts').matchAll(/\btoken\.command\('([a-z]+)/g)].map(([, word]) => word)
  t.strictSame(defined, names)
})
