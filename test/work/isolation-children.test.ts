import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { home } from '../manager/home.ts'
import { scratch } from './harness.ts'
import { until } from '../clock.ts'
import type { FullRun } from '../../core/model/run/run.ts'
import type { Owner } from './harness.ts'

const SLOW = { timeout: 240_000 }
/** Long enough to start all processes on a busy machine, in seconds. */
const TIMEOUT = 20
const PLACES = ['thread', 'process'] as const

const isAlive = (pid: number) => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** The text of a task file with one task, `name.place`, for each body and place. */
const fileOf = (bodies: Record<string, string>) => `
  import { spawn, spawnSync } from 'node:child_process'
  import { existsSync, writeFileSync } from 'node:fs'
  const wait = ms => new Promise(done => setTimeout(done, ms))
  const put = (ctx, pids) => writeFileSync(fileOf(ctx), pids.join(' '))
  const STUBBORN = ['trap "" TERM', 'setsid sleep 300 & echo $! > "$0.detached"',
    'sleep 300 & echo $! > "$0.grandchild"', 'while :; do sleep 1; done'].join('\\n')
  const fileOf = ctx => ctx.services.config.folder + '/' + ctx.task
  const stopped = ctx => new Promise((_, no) => ctx.signal.addEventListener('abort', () => no(ctx.signal.reason)))
  const bodies = { ${Object.entries(bodies).map(([name, body]) => `${name}: async ctx => { ${body} }`).join(',\n')} }
  export const TASK_DEFINITIONS = ${
  JSON.stringify(PLACES)
}.flatMap(isolation => Object.entries(bodies).map(([name, func]) =>
    ({ id: name + '.' + isolation, func, isolation, max_retries: 0,
      ...name.startsWith('times') && { timeout: ${TIMEOUT} } })))`

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
  /** The pids of the child of a stubborn task and of its grandchildren, once all have started. */
  const pids = async (task: string) => {
    const names = [task, `${task}.grandchild`, `${task}.detached`]
    await until(`${task} has started them`, () => names.every(name => pidIn(name) > 0))
    return names.map(pidIn)
  }
  const gone = async (task: string) => {
    // A blocking task has written its own pid: in a thread, that of this process.
    for (const pid of await pids(task)) {
      if (pid !== process.pid) await until(`${pid} of ${task} is gone`, () => !isAlive(pid))
    }
  }
  return { ...it, add, over, ended, pids, pidIn, gone }
}

const STUBBORN = `const child = spawn('sh', ['-c', STUBBORN, fileOf(ctx)], { stdio: 'ignore' }); put(ctx, [child.pid])`

t.test(
  'a timeout or a cancel ends all descendants of a function, detached ones too, in a thread and in a process [F30]',
  SLOW,
  async t => {
    const { add, over, ended, pids, gone, manager } = await setup(t, {
      bodies: {
        times: `${STUBBORN}; await wait(1e6)`,
        spins: `${STUBBORN}; while (!existsSync(fileOf(ctx) + '.grandchild')); for (;;);`,
        obeys: `${STUBBORN}; await stopped(ctx)`,
        blocks: `put(ctx, [process.pid]); spawnSync('sh', ['-c', STUBBORN, fileOf(ctx)], { stdio: 'ignore' })`
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

t.test('a stop ends the descendants of a function and gives the attempt back', SLOW, async t => {
  const { add, pids, gone, manager } = await setup(t, {
    bodies: {
      obeys: `${STUBBORN}; await stopped(ctx)`
    }
  })
  const id = await add('obeys.thread')
  await pids('obeys.thread')
  await manager.runner.stop()
  t.match(await manager.engine.get(id), { state: 'queued', attempt: 0 })
  await gone('obeys.thread')
})

t.test('a process leftPid by a run in a thread outlives a later run that is ended there', SLOW, async t => {
  const { ended, pidIn, gone, pids } = await setup(t, {
    bodies: {
      leaves:
        `const child = spawn('sleep', ['300'], { stdio: 'ignore' }); child.unref(); put(ctx, [child.pid]); return 1`,
      times: `${STUBBORN}; await wait(1e6)`
    }
  })
  t.match(await ended('leaves.thread'), { state: 'completed' })
  const leftPid = pidIn('leaves.thread')
  t.teardown(() => {
    if (isAlive(leftPid)) process.kill(leftPid, 'SIGKILL')
  })
  t.match(await ended('times.thread'), { state: 'failed' })
  await pids('times.thread')
  await gone('times.thread')
  t.ok(isAlive(leftPid))
  await ended('leaves.process')
  await until('the one left by a process is gone', () => !isAlive(pidIn('leaves.process')))
})

const header = (id: string) => `#!/bin/bash\n# offpeak: id = ${id} ; max_retries = 0`

t.test('a script ends with all its descendants, also those in process groups of their own', SLOW, async t => {
  const { ended, add, over, pidIn, manager } = await setup(t, {
    files: {
      'wrapped.sh': `${
        header('wrapped')
      } ; timeout = 2s\ntimeout 60 sh -c 'echo $$ > FOLDER/wrapped; while :; do sleep 0.1; done'\n`,
      'jobs.sh': `${header('jobs')}\nset -m\nsh -c 'echo $$ > FOLDER/jobs; while :; do sleep 0.1; done' &
        while [ ! -s FOLDER/jobs ]; do sleep 0.05; done\n`,
      'leaves.sh': `${header('leaves')}\nsetsid sh -c 'echo $$ > FOLDER/leaves; while :; do sleep 0.1; done' &\nwait\n`
    }
  })
  t.match(await ended('wrapped'), { state: 'failed', error: { message: /timeout/ } })
  await until('the child of timeout is gone', () => !isAlive(pidIn('wrapped')))
  t.match(await ended('jobs'), { state: 'completed' })
  await until('the job is gone', () => !isAlive(pidIn('jobs')))
  const id = await add('leaves')
  await until('it has started', () => pidIn('leaves') > 0)
  await manager.desk.cancel(id, { by: 'anna' })
  t.match(await over(id), { state: 'cancelled' })
  await until('the process in its own session is gone', () => !isAlive(pidIn('leaves')))
})
