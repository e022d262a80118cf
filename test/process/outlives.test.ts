import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SLOW, ended, modules } from './ended.ts'
import { served } from './server.ts'
import { scratch } from '../work/harness.ts'
import { taskFile } from '../manager/home.ts'
import { until } from '../clock.ts'

const LATE: Record<string, string> = {
  timer: 'setTimeout(() => { throw new Error("late timer") }, 20)',
  tick: 'setTimeout(() => process.nextTick(() => { throw new Error("late tick") }), 20)',
  rejects: 'setTimeout(() => Promise.reject(new Error("late rejects")), 20)',
  pool: 'import { EventEmitter } from "node:events"; const pool = new EventEmitter()\n' +
    'setTimeout(() => pool.emit("error", new Error("late pool")), 20)',
  client: 'import net from "node:net"; export const client = net.connect(1, "127.0.0.1")',
  nothing: 'setTimeout(() => { throw null }, 20)',
  hostile: 'setTimeout(() => { throw new Proxy({}, { get () { throw 1 }, getPrototypeOf () { throw 2 } }) }, 20)',
  helped: 'import "./_lib/helper.mjs"',
  leaves: 'setTimeout(() => process.exit(3), 20)',
  imported: 'import { exit } from "node:process"; setTimeout(() => exit(3), 20)',
  kills: 'setTimeout(() => process.kill(process.pid, "SIGKILL"), 20)',
  removes: 'setTimeout(() => { process.removeAllListeners(); throw new Error("late removes") }, 20)'
}

t.test('module code that fails after its import is reported with its file and does not end the server [F25]', SLOW,
  async t => {
    const root = scratch(t)
    mkdirSync(join(root, 'backgroundtask/_lib'), { recursive: true })
    writeFileSync(join(root, 'backgroundtask/_lib/helper.mjs'),
      'setTimeout(() => Promise.reject(new Error("late helped")), 20)')
    const server = await served(t, { root, files: { ...modules(LATE), 'fine.ts': taskFile('fine', 'return 1') } })
    const reported = (name: string) =>
      new RegExp(`"notice":"late_error","id":null,"task":null,"file":"${name}\\.mjs"`).test(server.output())
    for (const name of Object.keys(LATE)) {
      await until(`${name} is reported`, () => reported(name) || server.child.exitCode !== null)
    }
    t.equal(server.child.exitCode, null)
    t.match(await ended(server, 'fine'), { state: 'completed' })
    t.match(await ended(server, 'timer'), { state: 'completed' }, 'the task of such a file still runs')
    server.child.kill('SIGTERM')
    t.strictSame(await server.exit, [0, null], 'signals are still handled')
  })

t.test('a timer that keeps throwing is reported ten times, then once per hundred errors [F25]', SLOW, async t => {
  const server = await served(t, { files: modules({ again: 'setInterval(() => { throw new Error("again") }, 1)' }) })
  const reports = () => server.output().match(/"notice":"late_error"/g)?.length ?? 0
  await until('the hundredth is reported', () => /"count":100,/.test(server.output()) || server.child.exitCode !== null)
  t.equal(reports(), 11)
})

const CALLS: Record<string, string> = {
  exit: 'process.exit(7)',
  really_exit: 'process.reallyExit(7)',
  aborts: 'process.abort()',
  chdir: 'process.chdir("/")',
  umask: 'process.umask(0o777)',
  kill: 'process.kill(process.pid, "SIGKILL")',
  group: 'process.kill(0, "SIGKILL")',
  emit: 'process.emit("SIGTERM")',
  emit_exit: 'process.emit("exit", 0)',
  capture: 'process.setUncaughtExceptionCaptureCallback(() => {})',
  closes: 'const { closeSync } = await import("node:fs"); closeSync(1)',
  named: 'const { exit } = await import("node:process"); exit(7)'
}

t.test('an inline task that would end or change the process of the server fails with a code [F26]', SLOW, async t => {
  const server = await served(t, {
    files: Object.fromEntries(
      Object.entries(CALLS).map(([id, call]) => [`${id}.ts`, taskFile(id, call, { max_retries: 0 })])
    )
  })
  for (const id of Object.keys(CALLS)) {
    t.match(await ended(server, id), { state: 'failed', error: { code: 'OFFPEAK_PROCESS_SHARED' } }, id)
  }
  t.equal(server.child.exitCode, null)
})

t.test('a task in a thread cannot kill the process [F26]', SLOW, async t => {
  const server = await served(t, {
    files: {
      'kill.ts': taskFile('kill', 'process.kill(process.pid, "SIGKILL")', { isolation: 'thread', max_retries: 0 })
    }
  })
  t.match(await ended(server, 'kill'), { state: 'failed', error: { code: 'OFFPEAK_PROCESS_SHARED' } })
})

const LISTENERS = `process.on('exit', () => { throw new Error('at exit') })
  process.on('beforeExit', () => { throw 1 })
  process.removeAllListeners(); process.removeAllListeners('SIGTERM')
  for (const name of process.eventNames()) for (const one of process.rawListeners(name)) process.off(name, one)
  const mine = () => {}; process.on('exit', mine).off('exit', mine); process.once('mine', mine)
  process.removeListener('mine', mine)
  process.exitCode = 9; process.title = 'mine'
  return process.listenerCount('mine')`

t.test('a task cannot remove the listeners of the server or change its exit code [F26]', SLOW, async t => {
  const server = await served(t, { files: { 'listens.ts': taskFile('listens', LISTENERS, { max_retries: 0 }) } })
  t.match(await ended(server, 'listens'), { state: 'completed', result: 0 })
  server.child.kill('SIGTERM')
  t.strictSame(await server.exit, [0, null])
})

const LISTS: Record<string, string> = {
  sparse: 'export const TASK_DEFINITIONS = new Array(2 ** 32 - 1)',
  lengthy: 'export const TASK_DEFINITIONS = new Proxy([], { get: (_, key) => key === "length" ? 2 ** 40 : undefined })',
  endless: `function * letters () { for (;;) yield 'x' }
    const get = (list, key) => key === Symbol.iterator ? letters : Reflect.get(list, key)
    export default { id: 'endless', func: () => 1, tags: new Proxy(['a'], { get }) }`,
  reads: 'export default { get id () { throw new Error("no id") }, func: () => 1 }',
  hidden: 'export default new Proxy({}, { ownKeys () { throw new Error("no keys") } })'
}

t.test('endless or throwing definitions affect no other file [F34]', SLOW, async t => {
  const server = await served(t, {
    files: {
      ...Object.fromEntries(Object.entries(LISTS).map(([name, text]) => [`${name}.mjs`, text])),
      'fine.ts': taskFile('fine')
    }
  })
  const { broken } = (await server.call('GET', '/api/health')).body as { broken: { where: string }[] }
  t.strictSame(broken.map(({ where }) => where.split(/[.: ]/)[0]).toSorted(), ['hidden', 'lengthy', 'reads', 'sparse'])
  t.match(await ended(server, 'endless'), { state: 'completed' },
    'an array with a hostile iterator is read as an array')
  t.match(await ended(server, 'fine'), { state: 'completed' })
})

const CHANGES: Record<string, string> = {
  adds: 'Object.prototype.polluted = 1',
  json: 'globalThis.JSON = null',
  stringify: 'JSON.stringify = () => { throw 1 }',
  date: 'globalThis.Date = class { static now () { return NaN } }',
  now: 'Date.now = () => NaN',
  timer: 'globalThis.setTimeout = () => { throw 1 }',
  promise: 'globalThis.Promise = null',
  buffer: 'globalThis.Buffer = null',
  process: 'globalThis.process = null',
  math: 'Math.floor = null'
}

t.test('a task that replaces a global fails, and other tasks run [F44]', SLOW, async t => {
  const server = await served(t, {
    files: {
      ...Object.fromEntries(
        Object.entries(CHANGES).map(([id, text]) => [`${id}.ts`, taskFile(id, text, { max_retries: 0 })])
      ),
      'fine.ts': taskFile('fine', 'return "polluted" in {}')
    }
  })
  for (const id of Object.keys(CHANGES)) {
    t.match(await ended(server, id), {
      state: 'failed',
      error: { message: /not extensible|read only|read-only|Cannot assign/ }
    }, id)
  }
  t.match(await ended(server, 'fine'), { state: 'completed', result: false })
})
