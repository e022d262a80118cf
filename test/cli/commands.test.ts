import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cli } from './setup.ts'

const FOLDER = join(import.meta.dirname, '../../core/cli/command')
const FILES = readdirSync(FOLDER).filter(name => name.endsWith('.ts')).toSorted()
const textOf = (name: string) => readFileSync(join(FOLDER, name), 'utf8')

/** The commands that a help text lists. */
const listedIn = (help: string): string[] =>
  [...help.slice(help.indexOf('\nCommands:')).matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name!).filter(name =>
    name !== 'help'
  )

t.test('every command of the help is in the file of its name', async t => {
  const names = listedIn((await cli(['--help'], { cwd: FOLDER })).out)
  t.ok(names.length > 30, `${names.length} commands are listed`)
  t.strictSame(FILES, names.map(name => `${name}.ts`).toSorted())
  for (const name of names) {
    const defined = [...textOf(`${name}.ts`).matchAll(/\bprogram\.command\('([a-z]+)/g)].map(([, word]) => word)
    t.strictSame(defined, [name], `command/${name}.ts defines ${name}`)
  }
})

t.test('subcommands are in the file of their command', async t => {
  const names = listedIn((await cli(['token', '--help'], { cwd: FOLDER })).out)
  const defined = [...textOf('token.ts').matchAll(/\btoken\.command\('([a-z]+)/g)].map(([, word]) => word)
  t.strictSame(defined, names)
})
