import t from 'tap'
import { gate } from './harness.ts'
import { until } from '../clock.ts'
import type { Task } from '../../core/model/task/task.ts'
import { laptop } from './laptop.ts'

const SECOND = 1000

const MINUTE = 60 * SECOND

const onMains: Partial<Task> = { constraints: { power: 'mains' } }

t.test('a run that yields keeps its checkpoint and attempt, and continues when the gates open', async t => {
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
  await until('it is queued again', async () => (await it.engine.get(run.id))!.state === 'queued')
  t.match(await it.engine.get(run.id), { attempt: 0, turn: 1, reason: { code: 'yield', message: /battery/ } })
  await it.later(2 * MINUTE, it.mains())
  t.match(await it.reach(run.id, 'completed'), { attempt: 1, turn: 2 })
  t.strictSame(seen, [null, { page: 7 }])
})

t.test('on_lost decides whether a run continues or is cancelled when mains power is lost', async t => {
  const busy = gate()
  const work = { kind: 'function', func: busy.func } as const
  const it = await laptop(t, {
    tasks: [{ ...onMains, id: 'continues', work }, { ...onMains, id: 'stops', on_lost: 'cancel', work }]
  })
  await it.see(it.mains())
  const [on, off] = await Promise.all([it.desk.enqueue('continues'), it.desk.enqueue('stops')])
  await until('both run', () => busy.started.length === 2)
  await it.later(2 * MINUTE, it.battery(80))
  t.match(await it.reach(off!.run.id, 'cancelled'), { reason: { message: /battery/ } })
  t.equal((await it.engine.get(on!.run.id))!.state, 'running')
  busy.letGo()
  await it.reach(on!.run.id, 'completed')
})

t.test('breathe waits while the gates are closed, and gives its slot away if asked to', async t => {
  const steps: string[] = []
  const it = await laptop(t, {
    slots: 1,
    tasks: [{
      ...onMains,
      id: 'long',
      work: {
        kind: 'function',
        func: async ctx => {
          steps.push('begun')
          while (!steps.includes('unplugged')) await ctx.breathe()
          await ctx.breathe({ slot: 'give' })
          steps.push('continued')
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
  await until('it rests', () => it.noticesOf('resting').length > 0)
  const short = await it.desk.enqueue('short')
  await it.reach(short.run.id, 'completed')
  await it.later(2 * MINUTE, it.mains())
  await it.reach(run.id, 'completed')
  t.strictSame(steps, ['begun', 'unplugged', 'short ran', 'continued'])
})

t.test('hints follow the battery, and a task is called with each change', async t => {
  const hints: unknown[] = []
  const it = await laptop(t, {
    tasks: [{
      work: {
        kind: 'function',
        func: async ctx => {
          hints.push(ctx.hints.batch_size)
          ctx.onHints(({ batch_size: size, quality }) => hints.push([size, quality]))
          await new Promise((_resolve, reject) => {
            ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error))
          })
        }
      }
    }]
  })
  await it.see(it.mains())
  await it.desk.enqueue('work')
  await until('it runs', () => hints.length === 1)
  await it.later(MINUTE, it.battery(60))
  await it.later(MINUTE, it.battery(59))
  await it.later(MINUTE, it.battery(10))
  t.strictSame(hints, [32, [16, 'medium'], [4, 'minimal']])
})

t.test('a critical run without a free slot preempts the least urgent preemptible run', async t => {
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
  t.strictSame(it.noticesOf('signalled'), [], 'the first critical run has its own slot')
  const urgent = await it.desk.enqueue('urgent', { priority: 'critical' })
  await it.reach(urgent.run.id, 'completed')
  await until('the low one runs again', () => busy.started.length === 3)
  t.match(await it.engine.get(low.run.id), { state: 'running', turn: 2, attempt: 1 })
  own.letGo()
  busy.letGo()
})
