import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { fakeClock } from '../clock.ts'
import { fakeSenses } from '../work/fake-senses.ts'
import { faulty } from '../manager/faulty.ts'
import { scratch } from '../work/harness.ts'
import { until } from '../load/until.ts'
import { setup } from './setup.ts'

t.test('a healthy manager is ok, with all its parts', async t => {
  const { plain } = await setup(t)
  const answer = await plain({ url: '/api/health' })
  t.equal(answer.statusCode, 200)
  t.match(answer.json(), {
    status: 'ok',
    reasons: [],
    state: 'started',
    tasks: 4,
    running: 0,
    broken: [],
    engine: { ok: true, kind: 'sqlite' },
    config: { ok: true, error: null }
  })
})

t.test('a broken task file and a refused configuration degrade health, and are named', async t => {
  const { plain, manager, root } = await setup(t)
  writeFileSync(join(root, 'config.json'), '{ "server": { "prot": 1 } }')
  await until(() => manager.settings.lastError !== null)
  const broken = [{ file: 'bad.ts', line: 3, code: 'OFFPEAK_TASK_FILE_BROKEN', message: 'it does not parse', since: 0 }]
  Object.defineProperty(manager.catalog, 'broken', { get: () => broken })
  const answer = await plain({ url: '/api/health' })
  t.equal(answer.statusCode, 200)
  t.equal(answer.json().status, 'degraded')
  t.equal(answer.json().reasons.length, 2)
  t.match(answer.json().broken, [{ where: 'bad.ts:3', message: 'it does not parse' }])
  t.match(answer.json().config, { ok: false, error: { code: 'OFFPEAK_CONFIG_INVALID', where: /config\.json:1/ } })
})

t.test('an engine that cannot write, and a scheduler without passes, fail health', async t => {
  let now = Date.now()
  const { plain, manager } = await setup(t, {
    tasks: [],
    options: { clock: { now: () => now, monotonic: () => performance.now() } }
  })
  now += 60_000
  const stale = await plain({ url: '/api/health' })
  t.equal(stale.statusCode, 503)
  t.match(stale.json(), { status: 'failed', reasons: [/no work has been looked for/] })
  await manager.beat('poll')
  await manager.runner.settled()
  t.equal((await plain({ url: '/api/health' })).json().status, 'ok')
  manager.engine.health = async () => ({
    ok: false,
    kind: 'sqlite',
    last_write_ms: null,
    bytes: null,
    reason: 'the disk is full'
  })
  t.match((await plain({ url: '/api/health' })).json(), { status: 'failed', reasons: [/the disk is full/] })
})

t.test('a schedule or a listener that fails is named', async t => {
  const { plain, manager } = await setup(t)
  const fault = {
    schedule: 's1',
    task: 'work',
    error: { name: 'Error', message: 'a bad row', code: 'OFFPEAK_X' },
    since: 0,
    failures: 3,
    retry_at: 4000
  }
  Object.defineProperty(manager.planner, 'faults', { get: () => [fault] })
  manager.onNotice(() => {
    throw new Error('mine')
  }, 'the host app')
  manager.notice({ kind: 'file_mended', file: 'a' })
  const answer = (await plain({ url: '/api/health' })).json()
  t.match(answer, { status: 'degraded', reasons: ["1 schedule fails, 's1' first: a bad row"] })
  t.strictSame(answer.schedules, {
    ok: false,
    failing: 1,
    faults: [{
      schedule: 's1',
      task: 'work',
      code: 'OFFPEAK_X',
      message: 'a bad row',
      since: '1970-01-01T00:00:00.000Z',
      failures: 3,
      retry_at: '1970-01-01T00:00:04.000Z'
    }]
  })
  t.match(answer.listeners, { ok: false, troubles: [{ listener: 'the host app', failures: 1, message: 'mine' }] })
})

t.test('an engine whose health call throws fails health without an error', async t => {
  const { plain, manager } = await setup(t)
  manager.engine.health = async () => {
    throw new Error('gone')
  }
  t.match((await plain({ url: '/api/health' })).json(), { status: 'failed', engine: { ok: false, reason: 'gone' } })
})

t.test('readyz answers 503 until the manager has started; livez always 200 [S41]', async t => {
  const { plain, manager } = await setup(t)
  t.equal((await plain({ url: '/readyz' })).statusCode, 200)
  await manager.stop()
  const answer = await plain({ url: '/readyz' })
  t.equal(answer.statusCode, 503)
  t.same(answer.json(), { status: 'stopped' })
  t.equal((await plain({ url: '/livez' })).statusCode, 200)
})

t.test('engine calls that keep failing fail health by name and time, until they succeed [F14]', async t => {
  for (const call of ['claim', 'plan', 'list', 'due']) {
    const clock = fakeClock()
    const store = faulty(createSqliteEngine({ folder: scratch(t), clock: clock.now, ballastBytes: 0 }))
    const { plain, manager } = await setup(t, {
      options: { engine: store.engine, clock, senses: fakeSenses(clock).senses, loops: 'none' }
    })
    manager.registerTasks([{ id: 'tick', func: () => 1, trigger: 'interval', trigger_args: { seconds: 60 } }])
    await manager.planner.sync()
    const health = async () => (await plain({ url: '/api/health' })).json()
    const turn = async () => {
      clock.advance(61_000)
      await manager.fire()
      await manager.runner.settled()
      await manager.engine.list({ limit: 1 }).catch(() => undefined)
    }
    await turn()
    t.equal((await health()).status, 'ok', call)
    const since = new Date(clock.now() + 61_000).toISOString()
    store.fail(site => site.call === call)
    for (let turns = 0; turns < 3; turns++) await turn()
    if (call === 'list') {
      for (let turns = 0; turns < 3; turns++) await manager.desk.runs({ limit: 1 }).catch(() => undefined)
    }
    const failed = await health()
    t.match(failed, { status: 'failed', calls: { ok: false, failing: [{ call }] } }, call)
    t.match(failed.reasons.join(), `the engine fails '${call}' since`)
    if (call !== 'list') t.match(failed.reasons.join(), since)
    store.heal()
    for (let turns = 0; turns < 3; turns++) await turn()
    t.equal((await health()).status, 'ok', `${call} works again`)
    await manager.stop()
  }
})

t.test('rows that were out of range at the start are listed', async t => {
  const { plain, manager } = await setup(t)
  const { health } = manager.engine
  manager.engine.health = async now => ({
    ...await health(now),
    mended: { count: 2, rows: [{ table: 'run', row: 'abc', message: 'due_at was 1e300' }] }
  })
  t.match((await plain({ url: '/api/health' })).json(), {
    status: 'degraded',
    reasons: [/^2 rows of the database were out of range at the start, of 'run' abc first: due_at was 1e300$/],
    engine: { mended: { count: 2, rows: [{ table: 'run' }] } }
  })
})
