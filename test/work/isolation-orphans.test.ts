import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratch } from './harness.ts'
import { served } from '../process/server.ts'
import { taskFile } from '../manager/home.ts'
import { until } from '../clock.ts'

const SLOW = { timeout: 240_000 }
const DEAD = /^State:\s+Z/m

const isAlive = (pid: number) => {
  try {
    return !DEAD.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Appends its pid and the number of its earlier processes that are alive to a file, then loops for ever. */
const body = (folder: string) => `
  const { appendFileSync, existsSync, readFileSync } = await import('node:fs')
  const file = ${JSON.stringify(join(folder, 'pids'))}
  const dead = pid => {
    try { return ${DEAD}.test(readFileSync('/proc/' + pid + '/status', 'utf8')) } catch { return true }
  }
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\\n').filter(Boolean) : []
  const before = lines.map(line => line.split(' ')[0])
  appendFileSync(file, process.pid + ' ' + before.filter(pid => !dead(pid)).length + '\\n')
  for (;;);`

async function running (t: Parameters<typeof served>[0]) {
  const folder = scratch(t)
  const files = { 'spins.ts': taskFile('spins', body(folder), { isolation: 'process', max_retries: 0, timeout: 0 }) }
  const pids = () =>
    existsSync(join(folder, 'pids'))
      ? readFileSync(join(folder, 'pids'), 'utf8').split('\n').filter(Boolean).map(line =>
        line.split(' ').map(Number) as [number, number]
      )
      : []
  t.teardown(() => {
    for (const [pid] of pids()) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  const it = await served(t, { files })
  await it.call('POST', '/api/tasks/spins/runs', {})
  await until('it spins', () => pids().length === 1)
  return { ...it, files, pids }
}

t.test('a process that outlives a killed manager is ended at the next start, before its run runs again [F07]', SLOW,
  async t => {
    const { child, exit, root, files, pids } = await running(t)
    const [pid] = pids()[0]!
    // A stopped process cannot notice that the manager has ended.
    process.kill(pid, 'SIGSTOP')
    child.kill('SIGKILL')
    await exit
    t.ok(isAlive(pid))
    const again = await served(t, { root, files })
    await until('it runs again', () => pids().length === 2)
    t.equal(pids()[1]![1], 0, 'the earlier process had ended by then')
    t.notOk(isAlive(pid))
    again.child.kill('SIGKILL')
  })

t.test('a process whose manager was killed ends by itself, even in an endless loop [F08]', SLOW, async t => {
  const { child, pids } = await running(t)
  const [pid] = pids()[0]!
  child.kill('SIGKILL')
  await until('it is gone', () => !isAlive(pid))
  t.equal(pids().length, 1)
})
