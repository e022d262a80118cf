import t from 'tap'
import { calm } from './fake-senses.ts'
import { gate, harness } from './harness.ts'
import { until } from '../clock.ts'
import type { HarnessOptions } from './harness.ts'
import type { Owner } from './harness.ts'
import type { Reading } from '../../core/model/machine/reading.ts'
import type { Task } from '../../core/model/task/task.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** A laptop whose battery and plug the test moves; `see` takes one reading and waits until what it opens has been
 *  looked at. */
async function laptop (t: Owner, options: HarnessOptions) {
  const it = await harness(t, options)
  let over: Partial<Reading> = {}
  const battery = (level: number) => ({
    power: 'battery' as const,
    battery: { present: true, level, charging: false, seconds_left: 'unknown' as const }
  })
  const mains = (level = 90) => ({
    power: 'mains' as const,
    battery: { present: true, level, charging: true, seconds_left: 'unknown' as const }
  })
  const see = async (change: Partial<Reading> = {}) => {
    over = { ...over, ...change }
    it.conditions.take({ ...calm(it.clock.now()), ...over }, it.clock.now())
    await it.runner.settled()
  }
  const later = async (ms: number, change: Partial<Reading> = {}) => {
    it.clock.advance(ms)
    await see(change)
  }
  return { ...it, see, later, battery, mains }
}

const onMains: Partial<Task> = { constraints: { power: 'mains' } }

t.test('a run is held while its task wants mains, says so, and starts by itself when the plug goes in', async t => {
  const it = await laptop(t, { tasks: [onMains] })
  await it.see(it.battery(80))
  const { run } = await it.desk.enqueue('work')
  await it.runner.settled()
  t.match(await it.desk.task('work'), { status: 'held', held: { code: /./, message: /battery/ } })
  t.match(it.said('held'), [{ run: { id: run.id }, message: /battery/ }])
  await it.later(2 * HOUR)
  await it.later(12 * MINUTE, it.mains())
  await it.reach(run.id, 'completed')
  const full = (await it.engine.get(run.id))!
  t.strictSame(full.holds.map(({ from, to }) => to! - from), [2 * HOUR + 12 * MINUTE],
    'how long it was held is written down')
})

t.test('the runner starts a run when, and only when, the verdict says start', async t => {
  const it = await laptop(t, { tasks: [{ constraints: { battery_above: 60, cpu_below: 0.5, network: 'unmetered' } }] })
  const cases: Partial<Reading>[] = []
  for (const level of [40, 90]) {
    for (const busy of [0.1, 0.9]) {
      for (const metered of [true, false]) {
        cases.push({
          ...it.battery(level),
          cpu: { busy, own: 0, load: 0, cores: 4 },
          network: { online: true, metered, bytes_per_s: 0 }
        })
      }
    }
  }
  let started = 0
  for (const reading of cases) {
    // A dwell has passed with each: what flaps is tried elsewhere.
    for (let sample = 0; sample < 14; sample++) await it.later(10 * SECOND, reading)
    const { run } = await it.desk.enqueue('work', { delay: '1s' })
    const verdict = it.runner.verdicts.of({ ...run, due_at: 0 })
    await it.later(SECOND)
    if (verdict.decision === 'start') await it.reach(run.id, 'completed')
    const { state } = (await it.engine.get(run.id))!
    t.equal(state, verdict.decision === 'start' ? 'completed' : 'queued',
      JSON.stringify(verdict.gates.filter(({ ok }) => !ok).map(({ gate }) => gate)))
    if (state === 'completed') started++
    else await it.desk.cancel(run.id, { by: 'test' })
  }
  t.equal(started, 1)
})

t.test('at its deadline a held run starts, is skipped or fails, as its task says', async t => {
  const tasks = (['run', 'skip', 'fail'] as const).map(then => ({
    ...onMains,
    id: then,
    on_deadline: then,
    deadlineMs: HOUR
  }))
  const it = await laptop(t, { tasks })
  await it.see(it.battery(80))
  const ids = await Promise.all(tasks.map(async ({ id }) => (await it.desk.enqueue(id)).run.id))
  await it.later(59 * MINUTE)
  t.strictSame(await Promise.all(ids.map(async id => (await it.engine.get(id))!.state)), ['queued', 'queued', 'queued'])
  await it.later(MINUTE)
  await it.reach(ids[0]!, 'completed')
  t.match(await it.reach(ids[1]!, 'skipped'), {
    reason: { code: 'deadline', message: /held until its deadline: .*battery/ }
  })
  t.match(await it.reach(ids[2]!, 'failed'), { reason: { code: 'deadline' }, error: { name: 'DeadlinePassed' } })
})

t.test('one that expires behind a more urgent run of its task is not forgotten, asked for or fired', async t => {
  const it = await laptop(t, {
    tasks: [{ ...onMains, on_deadline: 'skip', deadlineMs: HOUR, trigger: 'cron', trigger_args: { minute: 0 } }],
    at: '2026-11-22T12:00:00Z'
  })
  await it.see(it.battery(80))
  const { run: asked } = await it.desk.enqueue('work', { priority: 'low' })
  await it.later(30 * MINUTE)
  const { run: urgent } = await it.desk.enqueue('work', { priority: 'high' })
  await it.later(30 * MINUTE)
  t.match(await it.reach(asked.id, 'skipped'), { reason: { code: 'deadline' } })
  t.equal((await it.engine.get(urgent.id))!.state, 'queued')
  await it.desk.cancel(urgent.id, { by: 'ann' })
  await it.fire()
  const [fired] = (await it.engine.list({ source: 'schedule', limit: 1 })).items
  await it.later(30 * MINUTE)
  await it.desk.enqueue('work', { priority: 'high' })
  await it.later(30 * MINUTE)
  t.match(await it.reach(fired!.id, 'skipped'), { reason: { code: 'deadline' } })
})

t.test('a critical run passes every gate but those of safety', async t => {
  const it = await laptop(t, { tasks: [onMains] })
  await it.see({ ...it.battery(5), cpu: { busy: 1, own: 0, load: 9, cores: 4 } })
  const urgent = await it.desk.enqueue('work', { priority: 'critical' })
  await it.reach(urgent.run.id, 'completed')
  await it.see({ disks: [{ path: '/', free_bytes: 1000, used: 1 }] })
  const full = await it.desk.enqueue('work', { priority: 'critical' })
  await it.runner.settled()
  t.match(await it.desk.task('work'), { status: 'held', held: { message: /free/ } })
  t.equal((await it.engine.get(full.run.id))!.state, 'queued')
})

t.test('a running run that yields is told, keeps its checkpoint, is given its attempt back and goes on when it may', async t => {
  const seen: unknown[] = []
  const it = await laptop(t, {
    tasks: [{
      ...onMains,
      on_lost: 'yield',
      max_retries: 0,
      work: {
        kind: 'function',
        func: async ctx => {
          seen.push(await ctx.checkpoint.read())
          if (seen.length > 1) return 'done'
          await ctx.checkpoint.save({ page: 7 })
          await new Promise((_resolve, reject) => {
            ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error))
          })
        }
      }
    }]
  })
  await it.see(it.mains())
  const { run } = await it.desk.enqueue('work')
  await until('it runs', () => seen.length === 1)
  await it.later(2 * MINUTE, it.battery(80))
  await until('it is put back', async () => (await it.engine.get(run.id))!.state === 'queued')
  t.match(await it.engine.get(run.id), { attempt: 0, turn: 1, reason: { code: 'yield', message: /battery/ } })
  await it.later(2 * MINUTE, it.mains())
  t.match(await it.reach(run.id, 'completed'), { attempt: 1, turn: 2 })
  t.strictSame(seen, [null, { page: 7 }])
})

t.test('a task that does not care goes on when the plug comes out; one that says cancel is cancelled', async t => {
  const busy = gate()
  const work = { kind: 'function', func: busy.func } as const
  const it = await laptop(t, {
    tasks: [{ ...onMains, id: 'goes_on', work }, { ...onMains, id: 'stops', on_lost: 'cancel', work }]
  })
  await it.see(it.mains())
  const [on, off] = await Promise.all([it.desk.enqueue('goes_on'), it.desk.enqueue('stops')])
  await until('both run', () => busy.started.length === 2)
  await it.later(2 * MINUTE, it.battery(80))
  t.match(await it.reach(off!.run.id, 'cancelled'), { reason: { message: /battery/ } })
  t.equal((await it.engine.get(on!.run.id))!.state, 'running')
  busy.letGo()
  await it.reach(on!.run.id, 'completed')
})

t.test('breathe rests while the gates are closed, and lends its slot when it is asked to', async t => {
  const steps: string[] = []
  const it = await laptop(t, {
    slots: 1,
    tasks: [{
      ...onMains,
      id: 'long',
      work: {
        kind: 'function',
        func: async ctx => {
          steps.push('began')
          while (!steps.includes('unplugged')) await ctx.breathe()
          await ctx.breathe({ slot: 'give' })
          steps.push('went on')
        }
      }
    }, {
      id: 'short',
      work: {
        kind: 'function',
        func: () => {
          steps.push('short ran')
        }
      }
    }]
  })
  await it.see(it.mains())
  const { run } = await it.desk.enqueue('long')
  await until('it runs', () => steps.length === 1)
  await it.later(2 * MINUTE, it.battery(80))
  steps.push('unplugged')
  await until('it rests', () => it.said('resting').length > 0)
  const short = await it.desk.enqueue('short')
  await it.reach(short.run.id, 'completed')
  await it.later(2 * MINUTE, it.mains())
  await it.reach(run.id, 'completed')
  t.strictSame(steps, ['began', 'unplugged', 'short ran', 'went on'])
})

t.test('hints follow the battery, and a change is told inside the task', async t => {
  const told: unknown[] = []
  const it = await laptop(t, {
    tasks: [{
      work: {
        kind: 'function',
        func: async ctx => {
          told.push(ctx.hints.batch_size)
          ctx.onHints(({ batch_size: size, quality }) => told.push([size, quality]))
          await new Promise((_resolve, reject) => {
            ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error))
          })
        }
      }
    }]
  })
  await it.see(it.mains())
  await it.desk.enqueue('work')
  await until('it runs', () => told.length === 1)
  await it.later(MINUTE, it.battery(60))
  await it.later(MINUTE, it.battery(59))
  await it.later(MINUTE, it.battery(10))
  t.strictSame(told, [32, [16, 'medium'], [4, 'minimal']])
})

t.test('a critical run that finds no slot takes that of the least urgent run that can be put back', async t => {
  const busy = gate()
  const work = { kind: 'function', func: busy.func } as const
  const own = gate()
  const it = await laptop(t, {
    slots: 2,
    config: { scheduling: { max_concurrent_tasks: { critical: 1 }, priority_slots: 'never' } },
    tasks: [{ id: 'low', priority: 'low', preemptible: true, work }, { id: 'normal', preemptible: true, work }, {
      id: 'urgent'
    }, { id: 'own', work: { kind: 'function', func: own.func } }]
  })
  await it.see(it.mains())
  const low = await it.desk.enqueue('low')
  await it.desk.enqueue('normal')
  await it.desk.enqueue('own', { priority: 'critical' })
  await until('all run', () => busy.started.length === 2 && own.started.length === 1)
  t.strictSame(it.said('signalled'), [], 'the first critical one has a slot of its own')
  const urgent = await it.desk.enqueue('urgent', { priority: 'critical' })
  await it.reach(urgent.run.id, 'completed')
  await until('the low one runs again', () => busy.started.length === 3)
  t.match(await it.engine.get(low.run.id), { state: 'running', turn: 2, attempt: 1 })
  own.letGo()
  busy.letGo()
})

t.test('a battery that flaps starts no more than one run a minute', async t => {
  const it = await laptop(t, { tasks: [{ class: 'background', overlap: 'allow' }] })
  await it.see(it.battery(49))
  for (let second = 0; second < 180; second++) {
    await it.desk.enqueue('work')
    await it.later(SECOND, it.battery(second % 2 === 0 ? 51 : 49))
  }
  const flips = it.said('held').length + it.said('released').length
  t.ok(flips <= 6, `${flips} changes in three minutes`)
})

t.test('never more than the slots of the power profile, whatever arrives at once', async t => {
  let now = 0
  let most = 0
  const it = await laptop(t, {
    slots: 20,
    tasks: [{
      overlap: 'allow',
      work: {
        kind: 'function',
        func: async () => {
          most = Math.max(most, ++now)
          await new Promise(resolve => {
            setImmediate(resolve)
          })
          now--
        }
      }
    }],
    config: { scheduling: { priority_slots: 'never' } }
  })
  await it.see(it.battery(90))
  await Promise.all(Array.from({ length: 40 }, () => it.desk.enqueue('work')))
  await until('all are done', async () => {
    await it.runner.settled()
    return (await it.engine.count())[0]?.states.completed === 40
  })
  t.ok(most <= 3, `${most} at once in battery_normal`)
})

t.test('a gate that throws holds the run by name, and the runner goes on', async t => {
  const it = await laptop(t, {
    tasks: [{
      id: 'odd',
      constraints: {
        get window (): string {
          throw new Error('odd window')
        }
      }
    }, { id: 'plain' }]
  })
  await it.see(it.mains())
  await it.desk.enqueue('odd')
  const { run } = await it.desk.enqueue('plain')
  await it.reach(run.id, 'completed')
  t.match(await it.desk.task('odd'), { status: 'held', held: { code: 'gate_error', message: 'odd window' } })
})

t.test('a fire that finds the last one still held is counted on it: one held run a task', async t => {
  const it = await laptop(t, {
    at: '2026-11-22T12:30:00Z',
    tasks: [{ ...onMains, trigger: 'cron', trigger_args: { minute: 0 }, concurrency: 1 }]
  })
  await it.see(it.battery(80))
  for (const at of ['13:00', '14:00', '15:00']) {
    it.clock.set(`2026-11-22T${at}:00Z`)
    await it.fire()
    await it.see()
  }
  const { items } = await it.engine.list({ limit: 10 })
  t.match(items, [{ state: 'queued', missed: 2 }])
  await it.later(2 * MINUTE, it.mains())
  await it.reach(items[0]!.id, 'completed')
})
