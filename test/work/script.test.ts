import t from 'tap'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endOrphan, startedAt } from '../../core/work/isolate/processes/process-group.ts'
import { harness, scratch } from './harness.ts'
import { until } from '../clock.ts'
import { spawn } from '../child.ts'
import type { Owner } from './harness.ts'
import type { Task, Work } from '../../core/model/task/task.ts'

const CODES = { ok: [0], warn: [], retry: [] }

async function setup (
  t: Owner,
  { script, work = {}, task = {}, text = `#!/bin/sh\n${script}\n`, mode = 0o755 }: { script: string, mode?: number,
    work?: Partial<Extract<Work, { kind: 'script' }>>, task?: Partial<Task>, text?: string | undefined }
) {
  const folder = scratch(t)
  const file = join(folder, 'task.sh')
  writeFileSync(file, text)
  chmodSync(file, mode)
  const it = await harness(t, {
    abortGraceMs: 10_000,
    tasks: [{ max_retries: 0, ...task, work: { kind: 'script', file, args: [], env: {}, exit_codes: CODES, ...work } }]
  })
  const { run } = await it.desk.enqueue('work', { payload: { folder } })
  return { ...it, run, folder }
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    // A zombie can be signalled too, until its parent reads its exit code.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

t.test('a script gets its arguments and a small environment, and its output is read [S22]', async t => {
  process.env.OFFPEAK_TEST_SECRET = 'do not pass on'
  t.teardown(() => {
    delete process.env.OFFPEAK_TEST_SECRET
  })
  const { reach, run, desk, engine } = await setup(t, {
    script: ['echo "hello $1 $GREETING"', 'echo "secret=$OFFPEAK_TEST_SECRET"', 'echo 40%',
      'echo "::progress 80 nearly"', 'echo oops >&2',
      'echo "::result {\\"task\\":\\"$OFFPEAK_TASK\\",\\"attempt\\":$OFFPEAK_ATTEMPT}"'].join('\n'),
    work: { args: ['; rm -rf $(id)'], env: { GREETING: 'there' } }
  })
  t.match(await reach(run.id, 'completed'), { progress: { percentage: 80, message: 'nearly' } })
  t.strictSame((await engine.get(run.id))!.result, { task: 'work', attempt: 1 })
  const lines = await desk.logs({ id: run.id, after: 0, limit: 10 })
  t.strictSame(lines.map(({ text }) => text).toSorted(), ['hello ; rm -rf $(id) there', 'oops', 'secret='])
})

t.test('a script that others may change since it was loaded is not started, unless that is accepted', async t => {
  const loosened = async (loose: boolean) => {
    const it = await setup(t, { script: 'echo started', work: { loose }, mode: 0o777 })
    return await it.reach(it.run.id, loose ? 'completed' : 'failed')
  }
  t.match(await loosened(false), {
    attempt: 1,
    error: { message: /^it was not started: \S+task.sh can be changed by .*Run: chmod o-w '\S+task.sh'/ }
  })
  await loosened(true)
})

t.test('a script whose folder is gone fails at once, and the folder is named', async t => {
  const { reach, run } = await setup(t, {
    script: 'exit 0',
    work: { cwd: '/nowhere/at/all' },
    task: { max_retries: 3 }
  })
  t.match(await reach(run.id, 'failed'), {
    attempt: 1,
    error: { message: /^the folder \/nowhere\/at\/all, in which \S+task.sh would start, does not exist$/ }
  })
})

t.test('exit codes complete with a warning, retry or fail as the task says', async t => {
  const codes = { ok: [0], warn: [3], retry: [11] }
  const warned = await setup(t, { script: 'echo "2 files unreadable" >&2; exit 3', work: { exit_codes: codes } })
  t.match(await warned.reach(warned.run.id, 'completed'), { warning: 'exit code 3: 2 files unreadable' })
  const locked = await setup(t, { script: 'exit 11', work: { exit_codes: codes }, task: { max_retries: 1 } })
  await until('it has failed once', async () => (await locked.engine.get(locked.run.id))!.attempts.length === 1)
  t.match(await locked.engine.get(locked.run.id), { state: 'queued', error: { message: 'exit code 11' } })
  const wrong = await setup(t, { script: 'exit 12', work: { exit_codes: codes }, task: { max_retries: 5 } })
  t.match(await wrong.reach(wrong.run.id, 'failed'), { attempt: 1, error: { message: 'exit code 12' } },
    'it is not retried')
  const plain = await setup(t, { script: 'kill -9 $$' })
  t.match(await plain.reach(plain.run.id, 'failed'), { error: { message: 'ended by SIGKILL' } })
})

t.test('a result that is not JSON is not kept, with a warning', async t => {
  const { reach, run } = await setup(t, { script: 'echo "::result {oops"' })
  t.match(await reach(run.id, 'completed'), { warning: /^its result was not kept: it is not JSON/ })
})

t.test('a timeout ends a script and its children although they ignore SIGTERM', async t => {
  const { reach, run, folder } = await setup(t, {
    script: ['trap "" TERM', 'sleep 300 & echo $! > "$(dirname "$0")/grandchild"', 'echo $$ > "$(dirname "$0")/child"',
      'while :; do sleep 1; done'].join('\n'),
    task: { timeoutMs: 5000 }
  })
  t.match(await reach(run.id, 'failed'), { error: { message: /timeout/ } })
  for (const name of ['child', 'grandchild']) {
    const pid = Number(readFileSync(join(folder, name), 'utf8'))
    await until(`the ${name} is gone`, () => !isAlive(pid))
  }
})

t.test('processes orphan in the group of a script end with it', async t => {
  const { reach, run, folder } = await setup(t, { script: 'sleep 300 & echo $! > "$(dirname "$0")/orphan"' })
  await reach(run.id, 'completed')
  const pid = Number(readFileSync(join(folder, 'orphan'), 'utf8'))
  await until('it is gone', () => !isAlive(pid))
})

t.test('a script whose program or interpreter is missing fails at once, without retries, and says which', async t => {
  const faults: [Parameters<typeof setup>[1]['work'], string, string?][] = [
    [{ file: '/no/such/script.sh' }, 'the program /no/such/script.sh does not exist'],
    [{ file: 'rsync2' }, 'the program rsync2 is not in the PATH'],
    [{ file: 'rsync2', nice: 5 }, 'the program rsync2 is not in the PATH'],
    [{ interpreter: ['/bin/nosuchinterp'] }, 'the interpreter /bin/nosuchinterp of '],
    [{ interpreter: ['/usr/bin/env', 'python9'] }, 'the interpreter python9 of '],
    [{}, 'the interpreter /bin/nosuchinterp of ', '#!/bin/nosuchinterp'],
    [{}, 'the interpreter python9 of ', '#!/usr/bin/env python9']
  ]
  for (const [work = {}, message, text] of faults) {
    const { reach, run } = await setup(t, { script: '', work, task: { max_retries: 3 }, text })
    const { error, attempt } = await reach(run.id, 'failed')
    t.match({ message: error!.message.startsWith(message), attempt }, { message: true, attempt: 1 }, error!.message)
  }
  const other = await setup(t, { script: 'nosuchprogram', task: { max_retries: 1 } })
  await until('it has failed once', async () => (await other.engine.get(other.run.id))!.attempts.length === 1)
  t.match(await other.engine.get(other.run.id), { state: 'queued' }, 'a program inside a script may come back')
})

t.test('a cancel ends a running script', async t => {
  const { desk, run, reach, engine } = await setup(t, { script: 'echo started; sleep 300' })
  await until('its process is recorded', async () => (await engine.get(run.id))!.child !== null)
  await desk.cancel(run.id, { by: 'anna' })
  await reach(run.id, 'cancelled')
})

t.test('an orphan is ended only if its pid is still the recorded process [F07]', async t => {
  const child = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  const started = (await startedAt(child.pid!))!
  t.match(started, /^\d+$/)
  t.equal(await endOrphan({ pid: child.pid!, started: '1' }, 'r1'), false)
  t.ok(isAlive(child.pid!))
  t.equal(await endOrphan({ pid: child.pid!, started }, 'r1'), true)
  await until('it is gone', () => !isAlive(child.pid!))
})

t.test('children of a script that has exited are ended, and processes of other runs are not', async t => {
  const child = spawn('sh', ['-c', 'sleep 300 & echo $!'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, OFFPEAK_RUN_ID: 'r1' }
  })
  t.teardown(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {}
  })
  const [output] = await once(child.stdout!, 'data') as [Buffer]
  await once(child, 'exit')
  const orphan = { pid: child.pid!, started: '1' }
  t.equal(await endOrphan(orphan, 'r2'), false)
  t.ok(isAlive(Number(output)))
  t.equal(await endOrphan(orphan, 'r1'), true)
  await until('it is gone', () => !isAlive(Number(output)))
})
