import '../child.ts'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { importFault } from '../../core/load/import/import-fault.ts'
import type { ImportResult } from '../../core/load/import/try-imports.ts'
import { prepareImporter, tryImports, syntaxLine } from '../../core/load/import/try-imports.ts'
import { until } from './until.ts'

async function setup (t: Test, files: Record<string, string>, type = 'module') {
  const folder = t.testdir({ 'package.json': JSON.stringify({ type }), ...files })
  const names = Object.keys(files)
  const results = await tryImports({ files: names.map(name => join(folder, name)), boundMs: 1500 })
  const of = (name: string): ImportResult => results.get(join(folder, name))!
  const fault = (name: string) => {
    const probed = of(name)
    if (probed.kind !== 'thrown') throw new Error(`${name} is ${probed.kind}`)
    return importFault({ path: name, real: join(folder, name), source: files[name]!, thrown: probed.thrown })
  }
  return { folder, of, fault }
}

const GOOD = 'export const TASK_DEFINITIONS = []'

tap.test('a file that hangs, exits or aborts is reported, and the others are imported [F34]', async t => {
  const { of } = await setup(t, {
    'a.ts': GOOD,
    'exit.ts': 'process.exit(3)',
    'b.ts': GOOD,
    'loop.ts': 'while (true) {}',
    'c.ts': GOOD,
    'wait.ts': 'await new Promise(() => {})',
    'abort.ts': 'process.abort()',
    'd.ts': GOOD
  })
  t.same(['a.ts', 'b.ts', 'c.ts', 'd.ts'].map(name => of(name).kind), ['good', 'good', 'good', 'good'])
  t.same(of('exit.ts'), { kind: 'ended', code: 3, signal: null })
  t.same(of('abort.ts'), { kind: 'ended', code: null, signal: 'SIGABRT' })
  t.equal(of('loop.ts').kind, 'hung')
  t.equal(of('wait.ts').kind, 'hung')
})

tap.test('a late error of a file is not reported for the next one', async t => {
  const { of } = await setup(t, {
    'late.ts':
      'setTimeout(() => { throw new Error("late") }, 1); Promise.reject(new Error("never caught")); export default 1',
    'exits.ts': 'setTimeout(() => process.exit(1), 20); export default 1',
    'next.ts': 'await new Promise(resolve => setTimeout(resolve, 200))'
  })
  t.same(['late.ts', 'exits.ts', 'next.ts'].map(name => of(name).kind), ['good', 'good', 'good'])
})

tap.test('a message that a file sends is not taken for a result', async t => {
  const { of } = await setup(t, { 'a.ts': 'process.send({ ticket: "ready", thrown: null }); throw new Error("no")' })
  t.equal(of('a.ts').kind, 'thrown')
})

tap.test('the child gets a minimal environment [S22]', async t => {
  process.env.OFFPEAK_CANARY = 'secret'
  t.teardown(() => {
    delete process.env.OFFPEAK_CANARY
  })
  const { of } = await setup(t, {
    'a.ts':
      'if (process.env.OFFPEAK_CANARY) throw new Error("leaked")\nif (!process.env.PATH) throw new Error("no PATH")'
  })
  t.same(of('a.ts'), { kind: 'good' })
})

tap.test('processes that a file starts are ended with the child', async t => {
  const { folder } = await setup(t, {
    'a.ts': `import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
writeFileSync(import.meta.dirname + '/pid', String(child.pid))`
  })
  const pid = readFileSync(join(folder, 'pid'), 'utf8')
  const alive = () => existsSync(`/proc/${pid}`) && !/^\d+ \(sleep\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  await until(() => !alive())
  t.notOk(alive())
})

tap.test('aborting ends the child', async t => {
  const folder = t.testdir({ 'a.ts': 'while (true) {}' })
  const abort = new AbortController()
  const probing = tryImports({ files: [join(folder, 'a.ts')], boundMs: 60_000, signal: abort.signal })
  abort.abort()
  t.equal((await probing).get(join(folder, 'a.ts'))?.kind, 'ended')
})

tap.test('an error names the line, the missing import and a fix', async t => {
  const { fault } = await setup(t, {
    'syntax.ts': 'const a: number = 1\n\nconst b = = 2',
    'half.ts': 'export const TASK_DEFINITIONS = [{\n  id: "a",\n',
    'enum.ts': 'const a = 1\nenum Colour { Red }',
    'package.ts': '\nimport x from "not-there"\nexport default x',
    'module.ts': '\n\nimport x from "./nope.ts"\nexport default x',
    'name.ts': '\nimport { nope } from "node:fs"\nexport default nope',
    'throws.ts': '\nfunction go () { throw new TypeError("boom") }\ngo()',
    'null.ts': 'throw null',
    'imports.ts': 'import "./syntax.ts"'
  })
  t.match(fault('syntax.ts'), { code: 'OFFPEAK_TASK_FILE_BROKEN', place: { file: 'syntax.ts', line: 3 } })
  t.equal(fault('half.ts').place.line, 2)
  t.equal(fault('enum.ts').place.line, 2)
  t.match(fault('enum.ts').message, 'enum is not supported')
  t.equal(fault('package.ts').place.line, 2)
  t.match(fault('package.ts'), { message: 'not-there', fix: 'npm install not-there' })
  t.equal(fault('module.ts').place.line, 3)
  t.match(fault('module.ts').message, 'imports nope.ts')
  t.equal(fault('name.ts').place.line, 2)
  t.match(fault('throws.ts'), { message: 'TypeError: boom', place: { line: 2 } })
  t.match(fault('null.ts').message, 'null')
  t.match(fault('imports.ts').message, '(in syntax.ts:3)')
})

tap.test('the error of a CommonJS file names the package.json', async t => {
  const { fault } = await setup(t, {
    'a.ts': 'import fs from "node:fs"\nexport default fs',
    'b.js': 'export const x = 1'
  }, 'commonjs')
  t.match(fault('a.ts'), { message: 'read as CommonJS', fix: 'name it a.mts', place: { line: 1 } })
  t.match(fault('b.js').fix, '"type": "module"')
})

tap.test('the line of a JavaScript syntax error is found', async t => {
  const folder = t.testdir({
    'package.json': '{"type":"module"}',
    'bad.js': 'const a = 1\n\nconst b = = 2',
    'good.js': 'export default 1'
  })
  t.equal(await syntaxLine(join(folder, 'bad.js')), 3)
  t.equal(await syntaxLine(join(folder, 'good.js')), null)
})

tap.test('a child that was started in advance imports the files, or ends without any', {
  skip: process.platform !== 'linux'
}, async t => {
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    'a.ts': GOOD,
    'b.ts': 'process.exit(3)',
    'c.ts': GOOD
  })
  const files = ['a.ts', 'b.ts', 'c.ts'].map(name => join(folder, name))
  const kinds = async () => [...(await tryImports({ files, boundMs: 1500 })).values()].map(({ kind }) => kind)
  const children = () =>
    readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean).length
  const dismissUsed = prepareImporter()
  t.same(await kinds(), ['good', 'ended', 'good'])
  dismissUsed()
  await until(() => children() === 0)
  const dismiss = prepareImporter()
  t.equal(children(), 1)
  dismiss()
  await until(() => children() === 0)
  t.same(await kinds(), ['good', 'ended', 'good'])
})

tap.test('the result of a file is reported before the next one is tried', async t => {
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    'a.ts': GOOD,
    'wait.ts': 'await new Promise(() => {})'
  })
  const results: string[] = []
  const abort = new AbortController()
  const probing = tryImports({
    files: ['a.ts', 'wait.ts'].map(name => join(folder, name)),
    boundMs: 60_000,
    signal: abort.signal,
    onResult: (file, { kind }) => results.push(`${basename(file)} ${kind}`)
  })
  await until(() => results.length > 0)
  t.same(results, ['a.ts good'])
  abort.abort()
  await probing
})
