import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { home } from '../manager/home.ts'
import { scratch } from './harness.ts'
import { until } from '../clock.ts'
import type { FullRun } from '../../core/model/run/run.ts'
import type { Owner } from './harness.ts'

const SLOW = { timeout: 240_000 }
/** Long enough to start everything on a machine that is busy, s. */
const TIMEOUT = 6
const PLACES = ['thread', 'process'] as const

const isAlive = (pid: number) => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** One task for each body and place, `name.place`. */
const fileOf = (bodies: Record<string, string>) => `
  import { spawn, spawnSync } from 'node:child_process'
  import { existsSync, writeFileSync } from 'node:fs'
  const wait = ms => new Promise(done => setTimeout(done, ms))
  const put = (ctx, pids) => writeFileSync(ctx.services.config.folder + '/' + ctx.task, pids.join(' '))
  const STUBBORN = 'trap "" TERM; setsid sleep 300 & echo $! > "$0.detached"; sleep 300 & echo $! > "$0.grandchild"; while :; do sleep 1; done'
  const bodies = { ${Object.entries(bodies).map(([name, body]) => `${name}: async ctx => { ${body} }`).join(',\n')} }
  export const TASK_DEFINITIONS = ${
  JSON.stringify(PLACES)
}.flatMap(isolation => Object.entries(bodies).map(([name, func]) =>
    ({ id: name + '.' + isolation, func, isolation, max_retries: 0, ...name.startsWith('times') && { timeout: ${TIMEOUT} } })))`

async function setup (
  t: Owner,
  { bodies = {}, files = {} }: { bodies?: Record<string, string>, files?: Record<string, string> }
) {
  const folder = scratch(t)
  const scripts = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, text.replaceAll('FOLDER', folder)])
  )
  const it = await home(t, {
    files: { 'tasks.mjs': fileOf(bodies), ...scripts },
    abortGraceMs: 600,
    config: { manager: { stop_grace: 0 }, services: { folder } }
  })
  await it.manager.start()
  const { desk, engine } = it.manager
  const add = async (task: string, payload?: unknown) => (await desk.enqueue(task, { payload })).run.id
  const over = async (id: string): Promise<FullRun> => {
    await until(`${id} is over`,
      async () => ['completed', 'failed', 'cancelled'].includes((await engine.get(id))!.state))
    return (await engine.get(id))!
  }
  const ended = async (task: string) => over(await add(task))
  const pidIn = (name: string) => existsSync(join(folder, name)) ? Number(readFileSync(join(folder, name), 'utf8')) : 0
  /** The process that a stubborn task has started, and those that this has started, once they are there. */
  const pids = async (task: string) => {
    const names = [task, `${task}.grandchild`, `${task}.detached`]
    await until(`${task} has started them`, () => names.every(name => pidIn(name) > 0))
    return names.map(pidIn)
  }
  const gone = async (task: string) => {
    // One that is blocked by what it has started has written down itself: in a thread, this process.
    for (const pid of await pids(task)) {
      if (pid !== process.pid) await until(`${pid} of ${task} is gone`, () => !isAlive(pid))
    }
  }
  return { ...it, add, over, ended, pids, pidIn, gone }
}

const STUBBORN =
  `const child = spawn('sh', ['-c', STUBBORN, ctx.services.config.folder + '/' + ctx.task], { stdio: 'ignore' }); put(ctx, [child.pid])`

t.test(
  'a timeout or a cancel ends what a function has started in a thread, as in a process: grandchildren, and what has left its parent [F30]',
  SLOW,
  async t => {
    const { add, over, ended, pids, gone, manager } = await setup(t, {
      bodies: {
        times: `${STUBBORN}; await wait(1e6)`,
        spins:
          `${STUBBORN}; while (!existsSync(ctx.services.config.folder + '/' + ctx.task + '.grandchild')); for (;;);`,
        obeys:
          `${STUBBORN}; await new Promise((_, no) => ctx.signal.addEventListener('abort', () => no(ctx.signal.reason)))`,
        blocks:
          `put(ctx, [process.pid]); spawnSync('sh', ['-c', STUBBORN, ctx.services.config.folder + '/' + ctx.task], { stdio: 'ignore' })`
      }
    })
    const timesOut = async (task: string) => {
      t.match(await ended(task), { state: 'failed', error: { message: /timeout/ } }, task)
      await gone(task)
    }
    const isCancelled = async (task: string) => {
      const id = await add(task)
      await pids(task)
      await manager.desk.cancel(id, { by: 'anna' })
      t.match(await over(id), { state: 'cancelled' }, task)
      await gone(task)
    }
    await Promise.all(
      PLACES.flatMap(
        place => [timesOut(`times.${place}`),
          ...['spins', 'blocks', 'obeys'].map(name => isCancelled(`${name}.${place}`))]
      )
    )
  }
)

t.test('a stop ends it too, and the attempt is given back', SLOW, async t => {
  const { add, pids, gone, manager } = await setup(t, {
    bodies: {
      obeys:
        `${STUBBORN}; await new Promise((_, no) => ctx.signal.addEventListener('abort', () => no(ctx.signal.reason)))`
    }
  })
  const id = await add('obeys.thread')
  await pids('obeys.thread')
  await manager.runner.stop()
  t.match(await manager.engine.get(id), { state: 'queued', attempt: 0 })
  await gone('obeys.thread')
})

t.test('what a run in the same thread has left before goes on, and is not ended with a later one', SLOW, async t => {
  const { ended, pidIn, gone, pids } = await setup(t, {
    bodies: {
      leaves:
        `const child = spawn('sleep', ['300'], { stdio: 'ignore' }); child.unref(); put(ctx, [child.pid]); return 1`,
      times: `${STUBBORN}; await wait(1e6)`
    }
  })
  t.match(await ended('leaves.thread'), { state: 'completed' })
  const left = pidIn('leaves.thread')
  t.teardown(() => {
    if (isAlive(left)) process.kill(left, 'SIGKILL')
  })
  t.match(await ended('times.thread'), { state: 'failed' })
  await pids('times.thread')
  await gone('times.thread')
  t.ok(isAlive(left))
  await ended('leaves.process')
  await until('that of a process is gone', () => !isAlive(pidIn('leaves.process')))
})

t.test('a script ends with all that it has started, also in groups of their own', SLOW, async t => {
  const { ended, add, over, pidIn, manager } = await setup(t, {
    files: {
      'wrapped.sh':
        `#!/bin/bash\n# offpeak: id = wrapped ; max_retries = 0 ; timeout = 2s\ntimeout 60 sh -c 'echo $$ > FOLDER/wrapped; while :; do sleep 0.1; done'\n`,
      'jobs.sh':
        `#!/bin/bash\n# offpeak: id = jobs ; max_retries = 0\nset -m\nsh -c 'echo $$ > FOLDER/jobs; while :; do sleep 0.1; done' &\nwhile [ ! -s FOLDER/jobs ]; do sleep 0.05; done\n`,
      'leaves.sh':
        `#!/bin/bash\n# offpeak: id = leaves ; max_retries = 0\nsetsid sh -c 'echo $$ > FOLDER/leaves; while :; do sleep 0.1; done' &\nwait\n`
    }
  })
  t.match(await ended('wrapped'), { state: 'failed', error: { message: /timeout/ } })
  await until('what timeout has started is gone', () => !isAlive(pidIn('wrapped')))
  t.match(await ended('jobs'), { state: 'completed' })
  await until('the job is gone', () => !isAlive(pidIn('jobs')))
  const id = await add('leaves')
  await until('it has started', () => pidIn('leaves') > 0)
  await manager.desk.cancel(id, { by: 'anna' })
  t.match(await over(id), { state: 'cancelled' })
  await until('what has left the session is gone', () => !isAlive(pidIn('leaves')))
})
