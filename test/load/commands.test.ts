import { chmodSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { cli, place, serve } from '../cli/setup.ts'
import { promptly } from '../promptly.ts'
import { startedFiles } from '../../core/load/file/missing-program.ts'
import { scratch } from '../work/harness.ts'
import { config, setup, task } from './task-files.ts'

const configWith = (tasks: string) => `{\n  "server": { "port": 0 },\n  "tasks": {\n${tasks}\n  }\n}\n`

tap.test('a command in config.json is a task, which can be changed while the server runs', async t => {
  const cwd = place(t, {}, {})
  const file = join(cwd, 'config.json')
  writeFileSync(file,
    configWith('    "where": { "command": ["sh", "-c", "pwd; echo $0 $1", "a b"], "args": ["$HOME"] }'))
  t.match(await cli(['validate'], { cwd }), { code: 0, out: /and 1 task are valid/ })
  await serve(t, [], { cwd })
  const ran = await cli(['run', 'where', '--follow'], { cwd })
  t.match(ran, { code: 0 })
  t.match(ran.out + ran.err, realpathSync(cwd), 'it is started in the folder of config.json')
  t.match(ran.out + ran.err, 'a b $HOME', 'without a shell of its own')
  const list = JSON.parse((await cli(['tasks', '--json'], { cwd })).out) as { id: string, source: string }[]
  t.match(list, [{ id: 'where', source: 'config.json:4' }])
  writeFileSync(file, configWith(
    '\n    "where": { "command": ["sh", "-c", "exit 3"], "max_retries": 0 },\n    "new": { "command": ["true"] }'
  ))
  await promptly(t, 'the new one is there', async () => /^new /m.test((await cli(['tasks'], { cwd })).out))
  t.match(await cli(['run', 'where', '--wait'], { cwd }), { code: 1, out: /exit code 3/ })
})

tap.test('faults of a command name the line in config.json', async t => {
  const cwd = place(t, {}, { 'echo.mjs': task('echo') })
  const file = join(cwd, 'config.json')
  writeFileSync(file, configWith(
    '    "a": {\n      "command": ["true"],\n      "trigger": "61 * * * *"\n    },\n    "echo": { "command": ["echo"] }'
  ))
  const { code, out } = await cli(['validate'], { cwd })
  t.equal(code, 1)
  t.match(out, /config\.json:6:\d+ \/tasks\/a\/trigger/)
  t.match(out, /config\.json.*'echo' is defined in echo\.mjs and again in config\.json/)
  writeFileSync(file, configWith('    "a": { "command": [] }'))
  t.match(await cli(['validate'], { cwd }), { code: 78, out: /config\.json:4:\d+ \/tasks\/a\/command/ })
})

tap.test('an argument may be empty, a program may not, and neither holds a null character', async t => {
  const cwd = place(t, {}, {})
  const validate = async (task: object) => {
    writeFileSync(join(cwd, 'config.json'), configWith(`    "a": ${JSON.stringify(task)}`))
    return await cli(['validate'], { cwd })
  }
  t.match(await validate({ command: ['ssh-keygen', '-N', ''] }), { code: 0, out: /and 1 task are valid/ })
  t.match(await validate({ command: ['', '-N'] }), {
    code: 78,
    out: /\/tasks\/a\/command\/0: found '', expected text of at least 1/
  })
  for (const [task, pointer] of [
    [{ command: ['echo', 'a\0b'] }, 'command/1'],
    [{ command: ['ec\0ho'] }, 'command/0'],
    [{ command: ['echo'], args: ['\0'] }, 'args/0'],
    [{ command: ['echo'], env: { A: '\0' } }, 'env/A']
  ] as const) {
    const { code, out } = await validate(task)
    t.match({ code, out }, { code: 78, out: `/tasks/a/${pointer}: found ` })
    t.match(out, 'expected text without a null character')
  }
})

tap.test('another line is no other task, and another command another version', async t => {
  const places = { line: 3 }
  const of = (command: string[]) => config({ tasks: { a: { command } } })
  const { folder, changes } = setup(t, {}, { config: of(['x', 'y']), placeOf: () => places, root: '/' })
  await folder.start()
  const before = folder.current.tasks.get('a')!
  t.match(before, { source: 'config.json:3', work: { kind: 'script', file: 'x', args: ['y'], cwd: '/' } })
  places.line = 9
  await folder.reconfigure(of(['x', 'y']))
  t.equal(folder.current.tasks.get('a')!.source, 'config.json:9')
  t.strictSame(changes.flatMap(({ changed }) => changed), [])
  await folder.reconfigure(of(['x', 'z']))
  t.not(folder.current.tasks.get('a')!.version, before.version)
  t.equal(changes.flatMap(({ changed }) => changed).length, 1)
  await folder.reconfigure(config())
  t.notOk(folder.current.tasks.has('a'))
})

tap.test('the schema for editors knows commands', t => {
  t.match(readFileSync(join(import.meta.dirname, '../../config.schema.json'), 'utf8'), /"command": \{/)
  t.end()
})

const bare = { skip: process.platform === 'win32' }

tap.test('a program that others can change is refused with its line, until that is repaired', bare, async t => {
  const root = scratch(t)
  const program = join(root, 'mine')
  writeFileSync(program, '#!/bin/sh\n')
  chmodSync(program, 0o777)
  const commands = { own: { command: ['./mine'] }, other: { command: ['ls'] } }
  const placeOf = () => ({ line: 4 })
  const { folder, ids, broken } = setup(t, {}, { config: config({ tasks: commands }), placeOf, root })
  await folder.start()
  t.strictSame(ids(), ['other'])
  t.match(broken(), [{
    file: 'config.json',
    line: 4,
    pointer: '/tasks/own/command/0',
    message: `${program} can be changed by every user of this machine: the task 'own' is not loaded`,
    fix: `Run: chmod o-w '${program}'`
  }])
  chmodSync(program, 0o755)
  await folder.rescan()
  t.strictSame(ids(), ['own', 'other'])
  chmodSync(program, 0o777)
  await folder.rescan()
  t.strictSame(ids(), ['other'], 'no earlier version stays in force')
  const security = { accept_loose_files: 'the only user of this machine' }
  await folder.reconfigure(config({ tasks: commands, security }))
  t.strictSame(ids(), ['own', 'other'])
})

tap.test('a program is looked up in the PATH, and checked before a new configuration is in force', bare, async t => {
  const [root, path] = [scratch(t), process.env.PATH]
  t.teardown(() => {
    process.env.PATH = path
  })
  process.env.PATH = `${join(root, 'none')}:${root}:${path}`
  mkdirSync(join(root, 'loose'))
  for (const [name, mode] of [['loose', 0o777], ['fine', 0o755]] as const) {
    writeFileSync(join(root, `${name}-program`), '#!/bin/sh\n')
    chmodSync(join(root, `${name}-program`), mode)
  }
  const { folder, ids, broken } = setup(t, {}, { root: '/' })
  await folder.start()
  await folder.reconfigure(config({
    tasks: { a: { command: ['loose-program'] }, b: { command: ['fine-program'] }, c: { command: ['no-such'] } }
  }))
  t.strictSame(ids(), ['b', 'c'])
  t.match(broken(), [{ message: new RegExp(`^${join(root, 'loose-program')} can be changed by every user`) }])
})

tap.test('what env and the first line of a program start is checked as well', bare, async t => {
  const root = scratch(t)
  const write = (name: string, text: string, mode: number) => {
    writeFileSync(join(root, name), text)
    chmodSync(join(root, name), mode)
    return join(root, name)
  }
  const loose = write('loose', '#!/bin/sh\n', 0o777)
  const direct = write('direct', `#!${loose}\n`, 0o755)
  const named = write('named', '#!/usr/bin/env -S loose\n', 0o755)
  const files = async (words: { file: string, interpreter?: string[] }) =>
    (await startedFiles({ ...words, cwd: root, path: root })).filter(file => file.startsWith(root))
  t.strictSame(await files({ file: direct }), [direct, loose])
  t.strictSame(await files({ file: './named' }), [named, loose])
  t.strictSame(await files({ file: 'direct' }), [direct, loose], 'by its name in the PATH')
  t.strictSame(await files({ file: named, interpreter: ['/usr/bin/env', 'A=1', 'loose'] }), [loose, named])
  const { folder, broken } = setup(t, {}, { config: config({ tasks: { own: { command: ['./direct'] } } }), root })
  await folder.start()
  t.match(broken(), [{
    message: `${loose} can be changed by every user of this machine: the task 'own' is not loaded`
  }])
})
