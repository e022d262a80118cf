import t from 'tap'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { decodeId } from '../../core/model/run/id.ts'
import { broken } from '../recount.ts'
import { cutEnvironment, cutPower, powercutLibrary } from '../powercut.ts'
import { scratch } from '../work/harness.ts'
import { served } from './server.ts'
import { taskFile } from '../manager/home.ts'
import { until } from '../clock.ts'
import type { Test } from 'tap'

const library = powercutLibrary(scratch(t))
const skip = library === null && 'needs a C compiler'

const LINE = 'const text = `${ctx.task} ${ctx.run_id} ${ctx.attempt}\\n`; ' +
  'require("node:fs").appendFileSync(ctx.payload?.file ?? process.env.BEGUN, text)'
const NEVER = 'await new Promise(() => setInterval(() => undefined, 1000))'
const IMPORT = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url)\n'
const task = (id: string, body: string, fields: object = {}) =>
  IMPORT + taskFile(id, body, { max_retries: 0, ...fields })

const begins = (id: string, fields: object = {}) => task(id, `${LINE}; ${NEVER}`, fields)

/** Task files, one for each way in which an attempt begins. */
const filesFor = (begun: string, at: number): Record<string, string> => ({
  'added.js': begins('added'),
  'released.js': begins('released'),
  'fails_once.js': task('fails_once', `if (ctx.attempt === 1) throw new Error('once'); ${LINE}; ${NEVER}`, {
    max_retries: 1,
    backoff: { kind: 'fixed', delay: 0.05, jitter: 0 }
  }),
  'first.js': task('first', 'return 1'),
  'cron.js': begins('cron', { trigger: '* * * * * *', overlap: 'skip' }),
  'interval.js': begins('interval', { trigger: 'interval', trigger_args: { seconds: 1 }, overlap: 'skip' }),
  'date.js': begins('date', { trigger: 'date', trigger_args: { run_date: new Date(at).toISOString() } }),
  'process.js': begins('process', { isolation: 'process', env: { BEGUN: begun } }),
  'thread.js': begins('thread', { isolation: 'thread' }),
  'script.sh': '#!/bin/sh\n# offpeak: id = script ; max_retries = 0\n' +
    `echo "$OFFPEAK_TASK $OFFPEAK_RUN_ID $OFFPEAK_ATTEMPT" >> ${begun}\nexec sleep 100\n`,
  'loops.js': task('loops', `${LINE}; for (;;);`)
})
/** Executed in processes of their own, so the crash is not theirs. */
const APART = ['process', 'script']
const WAYS = ['added', 'cron', 'date', 'fails_once', 'interval', 'process', 'released', 'script', 'thread']

function isRunningIn (file: string, id: string): boolean {
  if (!existsSync(file)) return false
  const db = new DatabaseSync(file)
  try {
    return db.prepare('select 1 from run where id = ? and state = 2').get(decodeId(id)) !== undefined
  } catch {
    // The table does not exist yet.
    return false
  } finally {
    db.close()
  }
}

/** A server whose power can be cut. `begun` returns the attempts that have begun, as their tasks have written them. */
async function powered (t: Test) {
  const root = scratch(t)
  const [folder, synced, after, file] = ['data', 'synced', 'after', 'begun'].map(name => join(root, name)) as [string,
    string, string, string]
  writeFileSync(file, '')
  const it = await served(t, {
    root,
    files: filesFor(file, Date.now() + 2500),
    config: { manager: { scheduler_thread_pool: 20 } },
    env: { ...cutEnvironment({ library: library!, folder, synced }), BEGUN: file }
  })
  const begun = () =>
    readFileSync(file, 'utf8').split('\n').filter(Boolean).map(line =>
      line.split(' ') as [task: string, id: string, attempt: string]
    )
  let looks = 0
  /** Whether the run would be stored as running after a power cut now. */
  const isKnown = (id: string): boolean => {
    const look = join(root, `look${looks++}`)
    cutPower({ folder, synced, after: look })
    return isRunningIn(join(look, 'offpeak.db'), id)
  }
  /** Kills the server and opens an engine on the synced data. */
  const cut = async () => {
    it.child.kill('SIGKILL')
    await it.exit
    cutPower({ folder, synced, after })
    t.same(broken(after), [])
    const engine = createSqliteEngine({ folder: after, ballastBytes: 0 })
    await engine.start()
    t.teardown(() => engine.stop())
    return engine
  }
  return { ...it, begun, isKnown, cut }
}

t.test('a begun attempt is soon stored and survives a power cut, which is counted as a crash [F06]', {
  timeout: 240_000,
  skip
}, async t => {
  const { root, call, begun, isKnown, cut } = await powered(t)
  chmodSync(join(root, 'backgroundtask/script.sh'), 0o755)
  await call('POST', '/api/flows', {
    runs: [{ ref: 'a', task: 'first' }, { task: 'released', after: [{ run: '#a' }] }]
  })
  for (const id of ['added', 'fails_once', 'process', 'thread', 'script']) {
    await call('POST', `/api/tasks/${id}/runs`, {})
  }
  await until('all have begun', () => new Set(begun().map(([id]) => id)).size === WAYS.length)
  const started = begun()
  t.same(started.map(([id]) => id).toSorted(), WAYS, 'each has begun once')
  await until('all are on the disk', () => started.every(([, id]) => isKnown(id)))
  const engine = await cut()
  for (const [task, id, attempt] of started) {
    t.match(await engine.get(id), { task, state: 'running', attempt: Number(attempt), crashes: 0 }, task)
  }
  await engine.expire({ now: Date.now(), restart: 'restart', crash_cap: 5 })
  for (const [task, id, attempt] of started) {
    t.match(await engine.get(id), {
      state: 'queued',
      attempt: Number(attempt) - 1,
      crashes: APART.includes(task) ? 0 : 1
    }, task)
  }
})

t.test('an attempt that blocks the event loop survives a power cut [F06]', { timeout: 240_000, skip }, async t => {
  const { call, begun, isKnown, cut } = await powered(t)
  void call('POST', '/api/tasks/loops/runs', {}).catch(() => undefined)
  const own = () => begun().find(([id]) => id === 'loops')
  await until('it has begun', () => own() !== undefined)
  // The event loop is blocked: a write that is not pending by now never happens.
  await until('it is on the disk', () => isKnown(own()![1]))
  const engine = await cut()
  t.match(await engine.get(own()![1]), { state: 'running', attempt: 1 })
})
