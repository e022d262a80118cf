import t from 'tap'
import { MINUTE } from '../../core/model/base/duration.ts'
import { createTestManager } from '../../core/simulate/testkit.ts'
import type { Test } from 'tap'
import type { TaskContext } from '../../core/model/task/context.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'
import type { TestManager } from '../../core/simulate/test-manager.ts'
import type { TestManagerOptions } from '../../core/simulate/testkit.ts'

type Sleeping = Partial<TaskDefinition> & { id: string, minutes: number }

async function kitOf (
  t: Test,
  tasks: Sleeping[],
  { config = {}, ...more }: TestManagerOptions = {}
): Promise<TestManager> {
  const sleeping = tasks.map(({ minutes, ...task }): TaskDefinition => ({
    timeout: '50h',
    type: 'plain',
    func: async () => {
      await kit.sleep(minutes * MINUTE)
    },
    ...task
  }))
  const kit: TestManager = await createTestManager({
    config: { ...config, manager: { scheduler_thread_pool: 1, ...config.manager } },
    tasks: sleeping,
    ...more
  })
  t.teardown(() => kit.close())
  return kit
}

/** The minutes that a run waits while `comes` is called every minute, or null if it does not start within an hour. */
async function waited (
  kit: TestManager,
  victim: string,
  comes: (minute: number) => Promise<unknown>
): Promise<number | null> {
  await comes(0)
  await kit.advance(1000)
  const { id, due_at: due } = await kit.enqueue(victim)
  for (let minute = 1; minute < 60; minute++) {
    await kit.advance(MINUTE)
    await comes(minute)
    const { started_at: at } = (await kit.manager.engine.get(id))!
    if (at !== null) return (at - due) / MINUTE
  }
  return null
}

t.test('runs that need to be alone, several locks, a busy queue or a slot behind critical work start', async t => {
  const every = (minutes: number, kit: TestManager, ids: string[]) => async (minute: number) => {
    if (minute % minutes === 0) await kit.enqueue(ids[(minute / minutes) % ids.length]!)
  }
  const pool = { config: { manager: { scheduler_thread_pool: 4 } } }
  const alone = await kitOf(t, [{ id: 's', minutes: 5 }, { id: 'v', minutes: 1, priority: 'low', alone: true }], pool)
  t.ok(await waited(alone, 'v', every(3, alone, ['s'])) !== null, 'alone')
  const locks = await kitOf(t, [{ id: 'x', minutes: 5, locks: ['x'] }, { id: 'y', minutes: 5, locks: ['y'] }, {
    id: 'v',
    minutes: 1,
    locks: ['x', 'y']
  }], pool)
  t.ok(await waited(locks, 'v', every(4, locks, ['x', 'y'])) !== null, 'locks')
  const queue = await kitOf(t, [{ id: 'x', minutes: 5, queue: 'q', priority: 'high' }, {
    id: 'l',
    minutes: 1,
    priority: 'low',
    concurrency: 9
  }, { id: 'v', minutes: 1, priority: 'low', queue: 'q' }], {
    config: { manager: { scheduler_thread_pool: 4 }, queues: { q: { concurrency: 1 } } }
  })
  const busy = every(4, queue, ['x'])
  t.ok(await waited(queue, 'v', async minute => {
    await busy(minute)
    await queue.enqueue('l')
  }) !== null, 'a queue')
  const critical = await kitOf(t, [{ id: 'c', minutes: 8, class: 'critical', concurrency: 50 }, {
    id: 'v',
    minutes: 1
  }])
  t.ok(await waited(critical, 'v', async () => {
    for (let each = 0; each < 3; each++) await critical.enqueue('c')
  }) !== null, 'critical work')
})

t.test('critical work and resting runs are not preempted', async t => {
  const task = { on_lost: 'yield', preemptible: true, priority: 'low' } as const
  const kit = await kitOf(t, [{ id: 'crit', minutes: 60, class: 'critical', ...task }, { id: 'fill', minutes: 60 }, {
    id: 'high',
    minutes: 1,
    priority: 'high'
  }], { config: { scheduling: { max_concurrent_tasks: { critical: 1 }, priority_slots: 'never' } } })
  for (const id of ['crit', 'fill']) await kit.enqueue(id)
  const second = await kit.enqueue('crit')
  await kit.enqueue('high')
  await kit.advance('30m')
  t.match((await kit.runs('crit')).map(({ turn, preempted }) => [turn, preempted]), [[1, 0], [0, 0]])
  t.equal((await kit.manager.engine.get(second.id))!.state, 'queued')
  const resting = await kitOf(t, [
    {
      id: 'rest',
      minutes: 0,
      constraints: { signals: { s: 'go' } },
      ...task,
      func: async (ctx: TaskContext) => {
        await resting.sleep(MINUTE)
        await ctx.breathe({ slot: 'give' })
      },
      on_lost: 'continue'
    },
    { id: 'fill', minutes: 600 },
    { id: 'high', minutes: 1, priority: 'high' }
  ])
  await resting.signal('s', 'go')
  const { id } = await resting.enqueue('rest')
  await resting.signal('s', 'stop')
  await resting.advance('3m')
  await resting.enqueue('fill')
  await resting.enqueue('high')
  await resting.advance('3m')
  t.match(await resting.manager.engine.get(id), { state: 'running', turn: 1 })
})

t.test('a run that runs alone does not wait for a resting run', async t => {
  const kit = await kitOf(t, [
    {
      id: 'rest',
      minutes: 0,
      constraints: { power: 'mains' },
      func: async (ctx: TaskContext) => {
        await kit.sleep(MINUTE)
        await ctx.breathe({ slot: 'give' })
      }
    },
    { id: 'solo', minutes: 5, alone: true }
  ])
  await kit.enqueue('rest')
  await kit.unplug(80)
  await kit.advance('3m')
  await kit.enqueue('solo')
  t.equal(kit.manager.runner.active.begun.filter(({ resting }) => !resting)[0]?.task, 'solo')
  await kit.plug()
  t.equal(kit.manager.runner.active.begun.find(({ task }) => task === 'rest')?.resting, true,
    'it continues after the other run has ended')
  await kit.advance('6m')
  t.strictSame((await kit.runs()).map(({ state }) => state), ['completed', 'completed'])
})

t.test('a run that has waited for fifteen minutes starts before a younger run that runs alone', async t => {
  const kit = await kitOf(t, [{ id: 'long', minutes: 60 }, { id: 'solo', minutes: 1, alone: true }, {
    id: 'low',
    minutes: 1,
    priority: 'low'
  }], { config: { manager: { scheduler_thread_pool: 4 } } })
  await kit.advance(1)
  await kit.enqueue('long')
  await kit.manager.pauses.add({ scope: 'task', name: 'low', by: 'ada' })
  const low = await kit.enqueue('low')
  await kit.advance('1m')
  await kit.enqueue('solo')
  await kit.manager.pauses.remove({ scope: 'task', name: 'low' }, 'ada')
  await kit.advanceTo(low.due_at + 15 * MINUTE - 1)
  t.match(kit.manager.runner.verdicts.of(low).gates.filter(({ ok }) => !ok), [{
    code: 'not_alone',
    message: /^run .* of solo goes first and needs to run alone/
  }])
  await kit.advance(1)
  t.match(await kit.manager.engine.get(low.id), { state: 'running', started_at: low.due_at + 15 * MINUTE })
})

t.test('a run that waited for a cancelled run starts at once', async t => {
  const kit = await kitOf(t, [{ id: 'long', minutes: 60 }, { id: 'solo', minutes: 1, alone: true }, {
    id: 'other',
    minutes: 1
  }], { config: { manager: { scheduler_thread_pool: 4 } } })
  await kit.enqueue('long')
  const solo = await kit.enqueue('solo')
  const other = await kit.enqueue('other')
  t.equal(other.state, 'queued')
  await kit.manager.desk.cancel(solo.id, { by: 'ada' })
  await kit.settle()
  t.equal((await kit.manager.engine.get(other.id))!.state, 'running')
})

t.test('of two runs that have waited equally long the first keeps its place', async t => {
  const kit = await kitOf(t, [{ id: 'long', minutes: 60 }, { id: 'solo', minutes: 1, alone: true }, {
    id: 'other',
    minutes: 1
  }], { config: { manager: { scheduler_thread_pool: 4 } } })
  await kit.advance(1)
  for (const id of ['long', 'solo']) await kit.enqueue(id)
  const other = await kit.enqueue('other')
  for (const at of [15 * MINUTE - 1, 15 * MINUTE, 15 * MINUTE + 1]) {
    await kit.advanceTo(other.due_at + at)
    t.equal(kit.manager.runner.verdicts.of(other).decision, 'hold')
  }
})

t.test('more slots in another time window are used when it begins', async t => {
  const kit = await kitOf(t, [{ id: 'work', minutes: 300, concurrency: 9 }], {
    at: '2026-01-05T12:00:00Z',
    config: {
      manager: { scheduler_thread_pool: 8 },
      scheduling: {
        profile_slots: 'always',
        priority_slots: 'never',
        time_windows: {
          peak: { start: '12:00', end: '12:30', resource_limit: 0.25 },
          off_peak: { start: '12:30', end: '12:00', resource_limit: 1 }
        }
      }
    }
  })
  for (let each = 0; each < 4; each++) await kit.enqueue('work')
  await kit.advanceTo('2026-01-05T12:29:59Z')
  const before = kit.manager.runner.active.size
  await kit.advanceTo('2026-01-05T12:30:00Z')
  t.ok(kit.manager.runner.active.size > before, `${before} before`)
})

t.test('a run behind one that is past its deadline has its own timeline', async t => {
  const kit = await kitOf(t, [{ id: 'long', minutes: 600 }, {
    id: 'x',
    minutes: 1,
    constraints: { signals: { s: 'go' } },
    deadline: '2h'
  }])
  await kit.enqueue('x')
  await kit.enqueue('long')
  await kit.advance('90m')
  const second = await kit.enqueue('x')
  await kit.advance('50m')
  const { holds } = (await kit.manager.engine.get(second.id))!
  t.match(holds, [{ code: 'signal_unknown', to: null }], 'it is held although the first one waits for a slot alone')
  t.match(await kit.manager.explain.run((await kit.manager.engine.get(second.id))!, kit.clock.now() - 5 * MINUTE), {
    decision: 'hold',
    message: /signal/
  })
})

t.test('the pace applies to a backlog, not to later or running work, and ends after a wrong clock', async t => {
  const later = await kitOf(t, [{
    id: 'held',
    minutes: 30,
    trigger: '*/10 * * * *',
    overlap: 'allow',
    concurrency: 9,
    constraints: { signals: { s: 'go' } }
  }], {
    config: { manager: { scheduler_thread_pool: 9 } },
    reading: { cpu: { busy: 0.02, own: 0, load: 0.1, cores: 1 } }
  })
  await later.advance('35m')
  await later.signal('s', 'go')
  await later.advance('6m')
  const started = (await later.runs('held')).filter(({ started_at: at }) => at !== null).map(({ due_at: due }) =>
    new Date(due).toISOString().slice(11, 16)
  )
  t.strictSame(started, ['12:10', '12:40'], 'the first held run and the one due now')
  const running = await kitOf(t, [{ id: 'long', minutes: 300, trigger: '5 12 * * *' }, {
    id: 'held',
    minutes: 1,
    trigger: '10 12 * * *',
    constraints: { signals: { s: 'go' } }
  }], {
    config: { manager: { scheduler_thread_pool: 9 } },
    reading: { cpu: { busy: 0.02, own: 0, load: 0.1, cores: 1 } }
  })
  await running.advance('30m')
  await running.signal('s', 'go')
  t.equal((await running.runs('held'))[0]!.state, 'running')
  const wrong = await kitOf(t, [{ id: 'tick', minutes: 9, trigger: '*/10 * * * *', overlap: 'allow' }])
  await wrong.suspend('300d')
  wrong.clock.jump(-300 * 24 * 60 * MINUTE)
  await wrong.manager.fire()
  await wrong.advance('30m')
  t.ok((wrong.manager.runner.verdicts.occupancy.pace?.since ?? 0) <= wrong.clock.now())
})
