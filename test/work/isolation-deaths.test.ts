import t from 'tap'
import { spawnSync } from '../child.ts'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { home, taskFile } from '../manager/home.ts'
import { scratch } from './harness.ts'
import { until } from '../clock.ts'
import type { FullRun } from '../../core/model/run/run.ts'
import type { Owner } from './harness.ts'

const SLOW = { timeout: 240_000 }
const ONCE = { max_retries: 0 }
const PLACES = ['thread', 'process'] as const

async function setup (t: Owner, files: Record<string, string>, settings: object = {}, config: object = {}) {
  const it = await home(t, { files, abortGraceMs: 400, config: { manager: { stop_grace: 0, ...settings }, ...config } })
  await it.manager.start()
  const { desk, engine } = it.manager
  const add = async (task: string, payload?: unknown) => (await desk.enqueue(task, { payload })).run.id
  const over = async (id: string): Promise<FullRun> => {
    await until(`${id} is over`,
      async () => ['completed', 'failed', 'cancelled'].includes((await engine.get(id))!.state))
    return (await engine.get(id))!
  }
  const ended = async (task: string, payload?: unknown) => over(await add(task, payload))
  return { ...it, add, over, ended }
}

const isAlive = (pid: number) => {
  try {
    // A zombie is listed until its parent reads its end.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

t.test('an endless loop is ended at its timeout, shows progress before it, and blocks no other run [F24]', SLOW,
  async t => {
    const folder = scratch(t)
    const { ended, add, over, manager } = await setup(t, {
      'loop.ts': `
      import { appendFileSync } from 'node:fs'
      const func = (ctx: any) => {
        ctx.progress.setTotal(1e9)
        for (let n = 0; ; n++) {
          if (n % 1e6 !== 0) continue
          ctx.progress.update(n / 1e6)
          appendFileSync(ctx.services.config.folder + '/' + ctx.task, '.')
        }
      }
      export const TASK_DEFINITIONS = ${
        JSON.stringify(PLACES)
      }.map(isolation => ({ id: 'loop_' + isolation, isolation, func, timeout: 5, max_retries: 0 }))`,
      ...Object.fromEntries(
        PLACES.map(place => [`next_${place}.ts`, taskFile(`next_${place}`, 'return "fine"', { isolation: place })])
      ),
      'here.ts': taskFile('here', 'return "fine"')
    }, {}, { services: { folder } })
    for (const place of PLACES) {
      const loop = await add(`loop_${place}`)
      await until('its progress rises', async () => {
        await manager.beat('flush')
        return ((await manager.engine.get(loop))!.progress?.current ?? 0) > 0
      })
      t.match(await ended('here'), { state: 'completed', result: 'fine' }, `${place}: the manager is not blocked`)
      t.match(await over(loop), {
        state: 'failed',
        error: { name: 'StopReason', message: 'took longer than its timeout of 5 s' }
      }, place)
      const size = statSync(join(folder, `loop_${place}`)).size
      t.match(await ended(`next_${place}`), { state: 'completed', result: 'fine' }, `${place}: the next one runs`)
      t.equal(statSync(join(folder, `loop_${place}`)).size, size, `${place}: the loop has ended`)
    }
  })

t.test('an exit, crash or signal of the thread or process fails the attempt with a message [F26]', SLOW, async t => {
  const { ended, manager } = await setup(t, {
    'exits.ts': `const func = async (ctx: any) => {
      for (let n = 0; n < ctx.payload; n++) ctx.log.info('word ' + n)
      process.exit(7)
    }
    export const TASK_DEFINITIONS = ${
      JSON.stringify(PLACES)
    }.map(isolation => ({ id: 'exits_' + isolation, isolation, max_retries: 0, func }))`,
    'early.ts': taskFile('early', 'process.exit(0)', { isolation: 'process', ...ONCE }),
    'aborts.ts': taskFile('aborts', 'process.abort()', { isolation: 'process', ...ONCE }),
    'kills.ts': taskFile('kills', 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {})', {
      isolation: 'process',
      ...ONCE
    }),
    'hangs_up.ts': taskFile('hangs_up', 'process.disconnect(); await new Promise(r => setTimeout(r, 60000))', {
      isolation: 'process',
      ...ONCE
    }),
    'next.ts': taskFile('next', 'return 1', { isolation: 'thread' })
  })
  const counts = { thread: 2000, process: 50 }
  for (const place of PLACES) {
    // Messages of a process that exceed the buffer of the pipe are lost when it exits.
    const run = await ended(`exits_${place}`, counts[place])
    t.match(run, { state: 'failed', error: { code: 'OFFPEAK_WORK_DIED', message: 'exited with code 7' } }, place)
    t.match((await manager.desk.logs({ id: run.id, after: 0, limit: 5000 })).at(-1), {
      text: `word ${counts[place] - 1}`
    }, `${place}: its last log line is stored`)
  }
  t.match(await ended('early'), { state: 'failed', error: { message: 'exited with code 0' } },
    'an exit code of 0 is not a result')
  t.match(await ended('aborts'), { state: 'failed', error: { code: 'OFFPEAK_WORK_DIED', message: 'ended by SIGABRT' } })
  t.match(await ended('kills'), { state: 'failed', error: { message: 'ended by SIGKILL' } })
  t.match(await ended('hangs_up'), { state: 'failed', error: { message: 'ended by SIGKILL' } })
  t.match(await ended('next'), { state: 'completed', result: 1 })
})

t.test('an attempt that exceeds its memory limit fails with that reason [F10, F30]', SLOW, async t => {
  const hoard = `const kept: unknown[] = []
    for (;;) {
      kept.push(Array.from({ length: 1e5 }, (_, n) => ({ n })))
      await new Promise(r => setImmediate(r))
    }`
  const { ended } = await setup(t, Object.fromEntries(
    PLACES.map(
      place => [`hoards_${place}.ts`,
        taskFile(`hoards_${place}`, hoard, { isolation: place, memory_limit: '48 MiB', ...ONCE })]
    )
  ))
  for (const place of PLACES) {
    t.match(await ended(`hoards_${place}`), {
      state: 'failed',
      error: { code: 'OFFPEAK_OUT_OF_MEMORY', message: 'ran out of memory: its memory_limit is 48 MiB' }
    }, place)
  }
})

t.test('the descendants of a process end with it, also those that ignore SIGTERM', SLOW, async t => {
  const body = (rest: string) =>
    `const { spawn } = await import('node:child_process')
    const { writeFileSync } = await import('node:fs')
    process.on('SIGTERM', () => {})
    const child = spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'ignore' })
    writeFileSync(ctx.services.config.folder + '/' + ctx.task, process.pid + ' ' + child.pid)
    ${rest}`
  const folder = scratch(t)
  const { ended, add, over, manager } = await setup(t, {
    'stays.ts': taskFile('stays', body('await new Promise(() => {})'), { isolation: 'process', ...ONCE }),
    'leaves.ts': taskFile('leaves', body('return "done"'), { isolation: 'process', ...ONCE })
  }, {}, { services: { folder } })
  const pids = (task: string) => readFileSync(join(folder, task), 'utf8').split(' ').map(Number)
  t.match(await ended('leaves'), { state: 'completed', result: 'done' })
  for (const pid of pids('leaves')) await until('it is gone', () => !isAlive(pid))
  const id = await add('stays')
  await until('it has started', () => existsSync(join(folder, 'stays')) && pids('stays').length === 2)
  await until('it is recorded', async () => (await manager.engine.get(id))!.child !== null)
  t.equal((await manager.engine.get(id))!.child!.pid, pids('stays')[0])
  await manager.desk.cancel(id, { by: 'anna' })
  t.match(await over(id), { state: 'cancelled' })
  for (const pid of pids('stays')) await until('it is gone', () => !isAlive(pid))
})

t.test('a function that is asked to stop has a grace period to end, and its attempt is given back', SLOW, async t => {
  const body = `ctx.log.info('on')
    await new Promise(r => ctx.signal.addEventListener('abort', r))
    await new Promise(r => setTimeout(r, 50))
    ctx.log.info(ctx.signal.reason.code)
    throw ctx.signal.reason`
  const { add, manager } = await setup(t, Object.fromEntries(
    PLACES.map(place => [`stops_${place}.ts`, taskFile(`stops_${place}`, body, { isolation: place, ...ONCE })])
  ))
  const ids = await Promise.all(PLACES.map(place => add(`stops_${place}`)))
  const texts = async (id: string) => (await manager.desk.logs({ id, after: 0, limit: 5 })).map(({ text }) => text)
  for (const id of ids) {
    await until('it runs', async () => {
      await manager.beat('flush')
      return (await texts(id)).length === 1
    })
  }
  await manager.runner.stop()
  for (const id of ids) {
    t.match(await manager.engine.get(id), { state: 'queued', attempt: 0, reason: { code: 'stopping' } })
    t.strictSame(await texts(id), ['on', 'stopping'])
  }
})

t.test('threads are reused, at most one for each slot, and a thread that leaks memory is replaced [F30]', SLOW,
  async t => {
    const id = 'const { threadId } = await import("node:worker_threads")'
    const { add, over, ended } = await setup(t, {
      'which.ts': taskFile('which', `${id}; await new Promise(r => setTimeout(r, 5)); return threadId`, {
        isolation: 'thread'
      }),
      'leaks.ts': taskFile('leaks', `${id}
        const had = globalThis.leak !== undefined
        globalThis.leak = Array.from({ length: 400 }, () => new Array(25_000).fill(0.5))
        return { had, threadId }`, { isolation: 'thread', memory_limit: '128 MiB', ...ONCE })
    }, { scheduler_thread_pool: 2 })
    const warnings: string[] = []
    const warn = ({ name }: Error) => void warnings.push(name)
    process.on('warning', warn)
    t.teardown(() => process.off('warning', warn))
    const ids = await Promise.all(Array.from({ length: 40 }, () => add('which')))
    const used = new Set<unknown>()
    for (const id of ids) used.add((await over(id)).result)
    t.ok(used.size <= 2, `${used.size} threads for 40 runs`)
    t.strictSame(warnings, [], 'no listeners accumulate')
    const first = (await ended('leaks')).result as { threadId: number }
    const second = (await ended('leaks')).result as { threadId: number }
    t.match(second, { had: false })
    t.not(second.threadId, first.threadId)
  })

t.test('a run executes the version that was loaded, although its file has changed [F39]', SLOW, async t => {
  const { ended, write, manager } = await setup(t, Object.fromEntries(
    PLACES.map(
      isolation => [`kept_${isolation}.ts`,
        `const answer: string = 'good'\n${taskFile(`kept_${isolation}`, 'return answer', { isolation, ...ONCE })}`]
    )
  ))
  for (const place of PLACES) write(`backgroundtask/kept_${place}.ts`, 'export const TASK_DEFINITIONS = [ broken')
  await until('both files are reported broken', () => manager.catalog.broken.length === 2)
  for (const place of PLACES) t.match(await ended(`kept_${place}`), { state: 'completed', result: 'good' }, place)
})

const hasIonice = spawnSync('ionice').error === undefined

t.test('processes and scripts run with their nice and ionice values', {
  ...SLOW,
  skip: !hasIonice && 'needs ionice'
}, async t => {
  const { ended } = await setup(t, {
    'kind.ts': taskFile('kind', `const { getPriority } = await import('node:os')
      const { execFileSync } = await import('node:child_process')
      const ionice = String(execFileSync('ionice')).trim()
      return [getPriority(), ionice, process.env.COLOUR, process.env.OFFPEAK_TEST_SECRET ?? null]`, {
      isolation: 'process',
      nice: 7,
      ionice: 'idle',
      env: { COLOUR: 'blue' }
    }),
    'kind.sh':
      '#!/bin/sh\n# offpeak: id = kind_script ; nice = 5 ; ionice = low\necho "::result \\"$(nice) $(ionice)\\""\n'
  })
  process.env.OFFPEAK_TEST_SECRET = 'do not pass on'
  t.teardown(() => {
    delete process.env.OFFPEAK_TEST_SECRET
  })
  t.match((await ended('kind')).result, [7, 'idle', 'blue', null])
  t.match((await ended('kind_script')).result, '5 best-effort: prio 7')
})
