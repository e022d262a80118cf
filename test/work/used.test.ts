import t from 'tap'
import { existsSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { home, taskFile } from '../manager/home.ts'
import { metered } from '../../core/work/isolate/processes/meter.ts'
import { scratch } from './harness.ts'
import { treeUsage } from '../../core/work/isolate/processes/process-tree.ts'
import { until } from '../clock.ts'
import type { FullRun, State } from '../../core/model/run/run.ts'
import type { Owner } from './harness.ts'
import type { Usage } from '../../core/model/run/usage.ts'

const SLOW = { timeout: 240_000 }
const MIB = 2 ** 20
const TMPFS = 0x01021994
/** Shell code that takes at least 0.1 s of processor time. */
const COUNT = 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done'

async function setup (t: Owner, files: Record<string, string>) {
  const folder = scratch(t)
  const it = await home(t, { files, abortGraceMs: 400, config: { manager: { stop_grace: 0 }, services: { folder } } })
  await it.manager.start()
  const { desk, engine } = it.manager
  const begin = async (task: string) => (await desk.enqueue(task, { payload: { folder } })).run.id
  const over = async (id: string, state: State): Promise<FullRun> => {
    await until(`${id} is ${state}`, async () => (await engine.get(id))!.state === state)
    return (await engine.get(id))!
  }
  return { ...it, folder, begin, over }
}

const used = (cpu: number, memory: number, read: number | null, written: number | null): Usage => ({
  cpu_seconds: cpu,
  memory_peak_bytes: memory,
  read_bytes: read,
  written_bytes: written
})

t.test('usage is the maximum of all samples, and a missing sample does not lower it', async t => {
  const seen = [null, used(0.1, 900, 1, null), null, used(0.3, 200, null, 5)]
  const meter = metered(() => seen.shift() ?? null)
  for (let looks = 0; looks < 6; looks++) await meter.look()
  t.strictSame(meter.end(), used(0.3, 900, 1, 5))
  t.equal(metered(() => null).end(), null, 'without a sample there is no usage')
})

t.test('a pid without a process has no usage', async t => {
  t.equal(treeUsage(2 ** 30), null)
  t.ok(treeUsage(process.pid)!.memory_peak_bytes > 10 * MIB)
})

t.test('the usage of a process includes its children', SLOW, async t => {
  const { begin, over, folder } = await setup(t, {
    'copies.mjs': `
      import { execFileSync } from 'node:child_process'
      import { openSync, writeSync, fsyncSync } from 'node:fs'
      const func = ({ payload: { folder } }) => {
        const file = openSync(folder + '/eight', 'w')
        writeSync(file, Buffer.alloc(8 * 2 ** 20, 7))
        fsyncSync(file)
        execFileSync('sh', ['-c', ${JSON.stringify(COUNT)}])
        const { user, system } = process.cpuUsage()
        return (user + system) / 1e6
      }
      export const TASK_DEFINITIONS = [{ id: 'copies', func, isolation: 'process' }]`
  })
  const { used, result } = await over(await begin('copies'), 'completed')
  t.ok(used!.cpu_seconds > (result as number) + 0.1, `${used!.cpu_seconds} s, of which ${String(result)} s are its own`)
  t.ok(used!.memory_peak_bytes > 20 * MIB && used!.memory_peak_bytes < 2000 * MIB)
  if (statfsSync(folder).type !== TMPFS) {
    t.ok(used!.written_bytes! >= 8 * MIB, `${used!.written_bytes} bytes were written`)
  }
})

t.test('the usage of a cancelled script is stored', SLOW, async t => {
  const { begin, over, root, manager } = await setup(t, {
    'counts.sh': `#!/bin/sh\n# offpeak: id=counts\n(${COUNT})\n: > ../ready\nsleep 300\n`
  })
  const id = await begin('counts')
  await until('it has counted', () => existsSync(join(root, 'ready')))
  await manager.desk.cancel(id, { by: 'anna' })
  const { used } = await over(id, 'cancelled')
  t.ok(used!.cpu_seconds >= 0.1 && used!.cpu_seconds < 20, `${used!.cpu_seconds} s`)
  t.ok(used!.memory_peak_bytes > 100_000)
})

t.test('the usage of a terminated thread is stored, and an inline run has none', SLOW, async t => {
  const { begin, over, manager } = await setup(t, {
    'loop.ts': taskFile('loop', 'for (;;);', { isolation: 'thread', timeout: 5, max_retries: 0 }),
    'here.ts': taskFile('here')
  })
  const { id, used } = await over(await begin('loop'), 'failed')
  t.ok(used!.cpu_seconds > 0.1 && used!.cpu_seconds < 7, `${used!.cpu_seconds} s`)
  t.ok(used!.memory_peak_bytes > MIB)
  t.equal(used!.written_bytes, null)
  t.strictSame(await manager.engine.used([id]), { [id]: used })
  t.equal((await over(await begin('here'), 'completed')).used, null)
})
