import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { stopwatch } from '../promptly.ts'
import { createTestManager } from '../../core/index.ts'
import type { TaskContext, TestClock, TestManagerOptions } from '../../core/index.ts'
import type { Owner } from '../work/harness.ts'

async function kitFor (t: Owner, options: TestManagerOptions) {
  const kit = await createTestManager(options)
  t.teardown(() => kit.close())
  return kit
}

const clockOf = (ctx: TaskContext) => ctx.services.clock as TestClock
const MINUTE = 60_000
const HOUR = 60 * MINUTE

t.test('advance runs everything that is due at its instant', async t => {
  const kit = await kitFor(t, {
    at: '2026-03-10T08:30:00Z',
    tasks: [{ id: 'tick', trigger: 'cron', trigger_args: { minute: 0 }, func: ctx => clockOf(ctx).sleep('2m') }]
  })
  await kit.advance('3h')
  t.strictSame(
    (await kit.runs('tick')).map((
      { started_at: from, finished_at: to }
    ) => [new Date(from!).toISOString().slice(11, 16), to! - from!]),
    [['09:00', 2 * MINUTE], ['10:00', 2 * MINUTE], ['11:00', 2 * MINUTE]]
  )
  t.equal(kit.clock.now(), Date.parse('2026-03-10T11:30:00Z'))
})

t.test('a task that sleeps longer than its timeout fails and is retried after its backoff', async t => {
  const kit = await kitFor(t, {
    tasks: [{
      id: 'slow',
      timeout: '5m',
      max_retries: 1,
      backoff: { kind: 'fixed', delay: '10m', jitter: 0 },
      func: ctx => clockOf(ctx).sleep('1h')
    }]
  })
  const { id, created_at: begun } = await kit.enqueue('slow')
  const run = await kit.waitFor(id, 'failed')
  t.match(run, { attempt: 2, error: { message: /longer than its timeout of 300 s/ } })
  t.equal(run.finished_at! - begun, 20 * MINUTE)
})

t.test('each change of the machine holds and releases the tasks that depend on it', async t => {
  const asks = {
    plug: { power: 'mains' },
    quiet: { idle: '10m' },
    free: { cpu_below: 0.5 },
    sun: { signals: { solar: '> 500' } },
    film: { not_while: ['film'] }
  } as const
  const kit = await kitFor(t, {
    config: { probes: { film: { kind: 'process', processes: ['vlc'] } } },
    tasks: Object.entries(asks).map(([id, constraints]) => ({
      id,
      constraints: structuredClone(constraints) as object,
      func: () => id
    }))
  })
  await kit.unplug(70)
  await kit.busy(0.6)
  await kit.set({ idle_seconds: 0 })
  await kit.signal('solar', 10)
  await kit.probe('film', true)
  await kit.advance('5m')
  for (const id of Object.keys(asks)) await kit.waitFor((await kit.enqueue(id)).id, 'held', 0)
  t.match((await kit.why('plug')).message, /on battery/)
  await kit.plug()
  await kit.signal('solar', 800)
  await kit.probe('film', false)
  t.strictSame((await kit.runs()).filter(({ state }) => state === 'completed').map(({ task }) => task), ['plug', 'sun',
    'film'], 'at once')
  await kit.idle()
  await kit.waitFor('quiet', 'completed', '5m')
  await kit.waitFor('free', 'completed', '5m')
})

t.test('drain waits for running runs and leaves held ones', async t => {
  const kit = await kitFor(t, {
    tasks: [{ id: 'works', func: ctx => clockOf(ctx).sleep('4m') }, {
      id: 'held',
      constraints: { power: 'mains' },
      func: () => 1
    }]
  })
  await kit.unplug()
  await kit.enqueue('held')
  await kit.enqueue('works')
  t.equal(kit.manager.runner.active.size, 1)
  await kit.drain()
  t.strictSame((await kit.runs()).map(({ task, state }) => [task, state]), [['held', 'queued'], ['works', 'completed']])
})

t.test('waitFor and drain reject with the reason when the time is over', async t => {
  const kit = await kitFor(t, {
    tasks: [{ id: 'held', deadline: '30d', constraints: { power: 'mains' }, func: () => 1 }, {
      id: 'fails',
      max_retries: 0,
      func: () => {
        throw new Error('no luck')
      }
    }, { id: 'stays', timeout: 0, func: ctx => clockOf(ctx).sleep('9d') }]
  })
  await kit.unplug()
  const { id } = await kit.enqueue('held')
  await t.rejects(kit.waitFor(id, 'completed', '2h'), {
    code: 'OFFPEAK_WAITED_IN_VAIN',
    message: `${id} is not completed: it is queued, on battery`
  })
  const failed = await kit.enqueue('fails')
  await t.rejects(kit.waitFor(failed.id, 'completed'), { message: /it is failed, no luck/ })
  await t.rejects(kit.waitFor('unknown', 'completed', 1), { message: /there is no such run/ })
  await kit.enqueue('stays')
  await t.rejects(kit.drain('1h'), { message: /still running after 1h: stays/ })
})

t.test('the clock does not advance while a task does real work', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'offpeak-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'out')
  const kit = await kitFor(t, {
    tasks: [{
      id: 'writes',
      timeout: '1m',
      func: async ctx => {
        for (let part = 0; part < 20; part++) await writeFile(file, `${part}`)
        await new Promise(resolve => {
          setTimeout(resolve, 30)
        })
        return { text: await readFile(file, 'utf8'), at: clockOf(ctx).now() }
      }
    }]
  })
  const before = kit.clock.now()
  await kit.enqueue('writes')
  await kit.advance('1h')
  t.match(await kit.runs(), [{ state: 'completed', result: { text: '19', at: before } }])
})

t.test('a suspend stops running tasks and misses fires [F20]', async t => {
  const kit = await kitFor(t, {
    at: '2026-03-10T11:30:00Z',
    tasks: [
      { id: 'runs', timeout: '2h', func: ctx => clockOf(ctx).sleep('1h') },
      { id: 'due', trigger: 'cron', trigger_args: { minute: 0 }, func: () => 1 },
      { id: 'strict', trigger: 'cron', trigger_args: { minute: 0 }, misfire: 'skip', func: () => 1 }
    ]
  })
  const { id } = await kit.enqueue('runs')
  await kit.advance('10m')
  await kit.suspend('3h')
  t.match(await kit.runs('due'), [{
    source: 'catch_up',
    missed: 2,
    state: 'completed',
    started_at: Date.parse('2026-03-10T14:40:00Z')
  }])
  t.match(await kit.runs('strict'), [{ state: 'skipped', reason: { code: 'misfire' } }])
  const { started_at: from, finished_at: to } = await kit.waitFor(id, 'completed')
  t.equal(to! - from!, 4 * HOUR, 'the hour of sleep is counted while the machine is awake')
})

t.test('task files are loaded, and close stops runs without real waiting and removes the data', async t => {
  const root = t.testdir({
    'package.json': '{ "type": "module" }',
    backgroundtask: {
      'long.mjs': `export default {
        id: 'long',
        func: ctx => ctx.services.clock.sleep('4m').then(() => 'done', error => { throw error })
      }`
    }
  })
  const kit = await createTestManager({ root, files: 'once' })
  await kit.enqueue('long')
  const { folder } = kit.manager
  t.ok(existsSync(folder))
  const elapsed = stopwatch()
  await kit.close()
  t.ok(elapsed() < 10_000)
  t.match(kit.notices.filter(({ kind }) => kind === 'settled'), [{ outcome: 'postponed' }])
  t.notOk(existsSync(folder))
})

t.test('invalid options are refused', async t => {
  await t.rejects(createTestManager({ at: 'soon' }), { code: 'OFFPEAK_INPUT_INVALID' })
  await t.rejects(
    createTestManager({ tasks: [{ id: 'bad', trigger: 'cron', trigger_args: { hour: 25 }, func: () => 1 }] }),
    { code: 'OFFPEAK_TASK_INVALID' }
  )
})

t.test('a test manager that cannot start leaves nothing running', async t => {
  const tasks = [{ id: 't', func: () => null }]
  const beside = await createTestManager({ tasks })
  t.teardown(() => beside.close())
  const { engine } = beside.store
  const { users } = engine
  for (const call of ['beat', 'users'] as const) {
    const original = engine[call]
    engine[call] = () => {
      throw new Error('broken on purpose')
    }
    await t.rejects(createTestManager({ beside, tasks }), { message: 'broken on purpose' }, call)
    Object.assign(engine, { [call]: original })
    t.equal(users!(), 1)
  }
})
