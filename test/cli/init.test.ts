import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scratch } from '../work/harness.ts'
import { cli, place } from './setup.ts'
import { dependencyOn } from '../../core/cli/scaffold/product.ts'
import { VERSION } from '../../core/version.ts'

const ROOT = join(import.meta.dirname, '../..')
const FILES = ['.gitignore', 'backgroundtask', 'config.json', 'package.json', 'tsconfig.json']

t.test('init writes a folder whose tasks are valid, and says the next two commands', async t => {
  const cwd = scratch(t)
  const made = await cli(['init', 'my tasks'], { cwd })
  t.match(made, { code: 0, err: '', out: /Next:\n {2}cd 'my tasks' && offpeak start\n {2}offpeak run hello --wait\n$/ })
  const folder = join(cwd, 'my tasks')
  t.strictSame(readdirSync(folder).toSorted(), FILES)
  t.equal(statSync(join(folder, 'backgroundtask/hello.sh')).mode & 0o111, 0o111, 'the script is executable')
  t.match(await cli(['validate'], { cwd: folder }), { code: 0, out: /2 tasks are valid/ })
  for (const file of ['hello.ts', 'hello.sh']) {
    t.match(await cli(['test', `backgroundtask/${file}`], { cwd: folder }), { code: 0, out: /: "hello"/ })
  }
  t.match(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')), { name: 'my-tasks', type: 'module' })
  for (const file of ['hello.ts', 'hello.sh']) rmSync(join(folder, 'backgroundtask', file))
  const { out } = await cli(['validate', '--json'], { cwd: folder })
  t.match(JSON.parse(out), { warnings: { length: 0 } }, 'nothing is amiss when the examples are removed')
})

t.test('init keeps every file that exists, and says which', async t => {
  const cwd = scratch(t)
  writeFileSync(join(cwd, 'config.json'), '{ "server": { "port": 9 } }')
  writeFileSync(join(cwd, 'notes.txt'), 'mine')
  const { out } = await cli(['init', '.'], { cwd })
  t.match(out, /Kept, because they exist:\n {2}config\.json\n/)
  t.equal(readFileSync(join(cwd, 'config.json'), 'utf8'), '{ "server": { "port": 9 } }')
  t.match(JSON.parse((await cli(['init', '--json'], { cwd })).out), { written: [], kept: { length: 6 } })
  t.match((await cli(['init'], { cwd })).out, /Nothing is missing/)
})

t.test('init refuses what cannot become a folder of tasks', async t => {
  const cwd = scratch(t)
  writeFileSync(join(cwd, 'file'), '')
  t.match(await cli(['init', 'file'], { cwd }), { code: 2, err: /file is a file\n {2}Name a folder/ })
  t.match(await cli(['init', 'file/below'], { cwd }), {
    code: 1,
    err: /file\/below\/config\.json cannot be written: a part of its path is a file\n {2}Name a folder/
  })
  t.match(await cli(['init', '/proc/here'], { cwd }), {
    code: 1,
    err: /cannot be written: its folder cannot be created/
  })
  t.match(await cli(['init', ROOT], { cwd }), { code: 2, err: /the folder of offpeak itself/ })
  if (process.getuid!() === 0) return
  mkdirSync(join(cwd, 'shut'), { mode: 0o555 })
  t.match(await cli(['init', 'shut'], { cwd }), { code: 1, err: /may not be written\n(?:.*\n)? {2}Name a folder that/ })
  chmodSync(join(cwd, 'shut'), 0o755)
})

t.test('new writes a task of each kind, which runs', async t => {
  const cwd = place(t, {}, {})
  const kinds = [['--ts', 'ts'], ['--shell', 'sh'], ['--python', 'py']] as const
  for (const [option, ending] of kinds) {
    const file = `backgroundtask/a_${ending}.${ending}`
    const made = await cli(['new', `a_${ending}`, option], { cwd })
    t.match(made, { code: 0, out: new RegExp(`^Written: ${file}\n`) })
    t.match(await cli(['test', file], { cwd }), { code: 0, out: /"done": true/ })
  }
  t.match(JSON.parse((await cli(['new', 'plain', '--json'], { cwd })).out), { id: 'plain', file: /plain\.ts$/ })
  t.match(await cli(['validate'], { cwd }), { code: 0, out: /4 tasks are valid/ })
})

t.test('new refuses ids that are taken or invalid, and proposes a valid one', async t => {
  const cwd = place(t)
  t.match(await cli(['new', 'fails'], { cwd }), { code: 2, err: /The task 'fails' exists already, in more\.mjs/ })
  t.match(await cli(['new', 'Copy Photos!'], { cwd }), { code: 2, err: /Did you mean 'copy_photos'\?/ })
  t.match(await cli(['new', 'copy.sh'], { cwd }), { code: 2, err: /Did you mean `offpeak new copy --shell`\?/ })
  t.match(await cli(['new', 'x', '--ts', '--shell'], { cwd }), { code: 2, err: /exclude each other/ })
  t.match(await cli(['new', '!!!'], { cwd }), { code: 2, err: /expected 1 to 64/ })
  writeFileSync(join(cwd, 'backgroundtask/half.sh'), '# no header')
  t.match(await cli(['new', 'half', '--shell'], { cwd }), { code: 2, err: /half\.sh exists already/ })
  t.equal(readFileSync(join(cwd, 'backgroundtask/half.sh'), 'utf8'), '# no header')
  t.notOk(existsSync(join(cwd, 'backgroundtask/fails.ts')))
})

t.test('package.json names a version only if a registry sent it, else the tarball or the folder', t => {
  const root = t.testdir({ 'offpeak.tgz': '', 'lib': { node_modules: {} }, 'app': { node_modules: {} } })
  const [app, global] = ['app', 'lib'].map(name => join(root, name, 'node_modules/offpeak')) as [string, string]
  const noted = (resolved: string) =>
    writeFileSync(join(root, 'app/node_modules/.package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/offpeak': { resolved } } }))
  t.equal(dependencyOn(root), `file:${root}`, 'a clone')
  t.equal(dependencyOn(global), `file:${global}`, 'a global package')
  t.equal(dependencyOn(app), `file:${app}`, 'another package manager')
  noted('https://registry.example.org/offpeak.tgz')
  t.equal(dependencyOn(app), `^${VERSION}`)
  noted('file:../offpeak.tgz')
  t.equal(dependencyOn(app), `file:${join(root, 'offpeak.tgz')}`)
  noted('file:../gone.tgz')
  t.equal(dependencyOn(app), `file:${app}`, 'a tarball that is gone')
  t.end()
})

t.test('an id that no setting may have is refused wherever a task is made', async t => {
  for (const id of ['constructor', 'prototype']) {
    const cwd = place(t, {}, {})
    t.match(await cli(['new', id], { cwd }), {
      code: 2,
      err: `'${id}' cannot be the id of a task: no setting may have`
    })
    const made = await cli(['import', 'crontab', '-'], { cwd, input: `0 1 * * * /opt/${id}.sh\n` })
    t.match(made, { code: 0, out: `backgroundtask/${id}_2.sh` })
    t.match(await cli(['enable', `${id}_2`], { cwd }), { code: 0 })
    writeFileSync(join(cwd, 'backgroundtask', `${id}.sh`), '#!/bin/sh\n# offpeak: enabled = false\n', { mode: 0o755 })
    t.match(await cli(['validate'], { cwd }), { code: 1, out: `found '${id}', expected another id` })
    writeFileSync(join(cwd, 'config.json'), `{ "tasks": { "${id}": { "command": ["true"] } } }`)
    t.match(await cli(['validate'], { cwd }), { code: 78, out: 'is a key that no setting may have' })
  }
})
