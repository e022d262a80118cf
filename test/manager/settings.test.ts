import t from 'tap'
import { claimOf } from '../claim.ts'
import { home, taskFile } from './home.ts'
import { until } from '../clock.ts'

const manage = (manager: object) => ({ config: { manager } })

t.test('manager.tasks_directory is the folder of task files', async t => {
  const { manager, write } = await home(t, manage({ tasks_directory: 'my/jobs' }))
  write('my/jobs/hello.ts', taskFile('hello'))
  await manager.start()
  t.ok(manager.catalog.tasks.has('hello'))
})

t.test('manager.max_tasks refuses further tasks and names their files', async t => {
  const { manager } = await home(t, {
    ...manage({ max_tasks: 2 }),
    files: { 'a.ts': taskFile('a'), 'b.ts': taskFile('b'), 'c.ts': taskFile('c') }
  })
  await manager.start()
  t.strictSame([...manager.catalog.tasks.keys()], ['a', 'b'])
  t.match(manager.catalog.broken, [{ file: 'c.ts', code: 'OFFPEAK_TASK_LIMIT' }])
  t.throws(() => manager.addTask({ id: 'd', func: () => 1 }), { code: 'OFFPEAK_TASK_LIMIT' })
})

t.test('manager.task_timeout applies to a task without a timeout', async t => {
  const { manager, reach } = await home(t, {
    ...manage({ task_timeout: 0.05, max_task_retries: 0 }),
    files: { 'slow.ts': taskFile('slow', 'await new Promise(() => {})') }
  })
  await manager.start()
  const { run } = await manager.desk.enqueue('slow')
  await reach(run.id, 'failed')
  t.match(await manager.desk.run(run.id), { error: { message: /0\.05 s/ } })
})

t.test('manager.max_task_retries applies to tasks without max_retries', async t => {
  const { manager, reach } = await home(t, {
    ...manage({ max_task_retries: 0 }),
    files: {
      'a.ts': taskFile('a', 'throw new Error("no")'),
      'b.ts': taskFile('b', 'throw new Error("no")', { max_retries: 1, backoff: { delay: 0.01, jitter: 0 } })
    }
  })
  await manager.start()
  const [a, b] = await Promise.all([manager.desk.enqueue('a'), manager.desk.enqueue('b')])
  await reach(a!.run.id, 'failed')
  await reach(b!.run.id, 'failed')
  t.equal((await manager.desk.run(a!.run.id)).attempt, 1)
  t.equal((await manager.desk.run(b!.run.id)).attempt, 2)
})

t.test('manager.scheduler_thread_pool is the number of concurrent runs, also after a change', async t => {
  const { manager, write } = await home(t, {
    ...manage({ scheduler_thread_pool: 2 }),
    files: {
      'wait.ts': taskFile('wait',
        'await new Promise((_, no) => ctx.signal.addEventListener("abort", () => no(ctx.signal.reason)))')
    }
  })
  await manager.start()
  await Promise.all(Array.from({ length: 6 }, () => manager.desk.enqueue('wait')))
  await until('two run', () => manager.runner.active.size === 2)
  await manager.runner.settled()
  t.equal(manager.runner.active.size, 2)
  write('config.json', '{ "manager": { "scheduler_thread_pool": 5, "stop_grace": 0 } }')
  await until('five run', () => manager.runner.active.size === 5)
})

t.test('manager.auto_restart_tasks decides whether runs that a crash interrupted are restarted', async t => {
  for (const again of [true, false]) {
    const { manager, root } = await home(t, {
      ...manage({ auto_restart_tasks: again }),
      files: { 'work.ts': taskFile('work', 'return ctx.attempt') }
    })
    await manager.engine.start()
    const now = Date.now()
    const [added] = await manager.engine.add([{
      task: 'work',
      queue: 'default',
      priority: 'normal',
      source: 'manual',
      due_at: now,
      max_retries: 0
    }], now)
    await manager.engine.claim(claimOf('work', { owner: 'crashed process', now }))
    await manager.engine.stop()
    const next = await home(t, {
      root,
      ...manage({ auto_restart_tasks: again }),
      files: { 'work.ts': taskFile('work', 'return ctx.attempt') }
    })
    await next.manager.start()
    await next.reach(added!.run.id, again ? 'completed' : 'failed')
    const run = await next.manager.desk.run(added!.run.id)
    t.match(run, again ? { crashes: 1, attempt: 1, result: 1 } : { reason: { code: 'interrupted' } })
    await next.manager.stop()
  }
})

t.test('retention removes runs beyond its limits and reports how many', async t => {
  const { manager, noticesOf, reach } = await home(t, {
    config: { retention: { max_runs: 2 } },
    files: { 'a.ts': taskFile('a') }
  })
  await manager.start()
  for (let count = 0; count < 5; count++) await reach((await manager.desk.enqueue('a')).run.id, 'completed')
  t.equal(await manager.upkeep.sweep(), 3)
  t.match(noticesOf('swept'), [{ removed: 3 }])
  t.equal((await manager.desk.runs({ limit: 10 })).items.length, 2)
})
