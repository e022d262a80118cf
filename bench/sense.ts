import { mkdtempSync, rmSync } from 'node:fs'
import { channel } from 'node:diagnostics_channel'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import si from 'systeminformation'
import { SECOND } from '../core/model/base/duration.ts'
import { Senses } from '../core/sense/senses.ts'
import { defaultsOf } from '../core/model/config/config.ts'
import type { Ask } from './contest.ts'
import type { Row } from './row.ts'
import { contest } from './contest.ts'

const GROUP = 'sense'

/** The cost of one sample of the machine: processor time in µs without child processes, processes started, and wall
 *  time. */
interface Cost {
  name: string
  cpu_us: number
  processes: number
  wall_ms: number
}

const round = (value: number, digits: number) => Number(value.toFixed(digits))

interface CostAsk {
  name: string
  times: number
  work: () => unknown
  pauseMs?: number
}

async function cost ({ name, times, work, pauseMs = 0 }: CostAsk): Promise<Cost> {
  const sum = { cpu: 0, wall: 0, processes: 0 }
  const count = () => {
    sum.processes++
  }
  await work()
  channel('child_process').subscribe(count)
  for (let index = 0; index < times; index++) {
    // The library caches calls in quick succession.
    if (pauseMs > 0) await pause(pauseMs)
    const begun = performance.now()
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    sum.cpu += user + system
    sum.wall += performance.now() - begun
  }
  channel('child_process').unsubscribe(count)
  return {
    name,
    cpu_us: round(sum.cpu / times, 1),
    processes: round(sum.processes / times, 2),
    wall_ms: round(sum.wall / times, 3)
  }
}

/** Samples as the manager takes them, five seconds apart on a virtual clock, so that rare calls count as rarely. */
async function ours (times: number): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-bench-'))
  const config = defaultsOf()
  const begun = Date.now()
  let passed = 0
  const senses = new Senses({
    clock: { now: () => begun + passed, monotonic: () => passed },
    config: () => config,
    folder
  })
  const work = () => {
    passed += 5 * SECOND
    return senses.sample()
  }
  try {
    await senses.start()
    for (let index = 0; index < times / 5; index++) await work()
    return await cost({ name: ONE, times, work })
  } finally {
    await senses.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const LIBRARY: [string, () => Promise<unknown>][] = [
  ['currentLoad', () => si.currentLoad()],
  ['mem', () => si.mem()],
  ['fsSize', () => si.fsSize()],
  ['disksIO', () => si.disksIO()],
  ['networkStats', () => si.networkStats()],
  ['battery', () => si.battery()],
  ['cpuTemperature', () => si.cpuTemperature()]
]

const ONE = 'offpeak: one default sample'

const rowsOf = ({ name, cpu_us: cpu, processes, wall_ms: wall }: Cost): Row[] => [
  {
    group: GROUP,
    name: `${name}, processor`,
    unit: 'ms',
    value: cpu / 1000,
    note: `${wall} ms until it answers`,
    ...name === ONE ? { target: { of: 'value', most: 0.3 } } : { ratio_to: `${ONE}, processor` }
  },
  {
    group: GROUP,
    name: `${name}, processes`,
    unit: '',
    value: processes,
    ...name === ONE ? { target: { of: 'value', most: 0 } } : {}
  }
]

const own = async ({ small }: Ask) => rowsOf(await ours(small ? 100 : 5000))

const library = async ({ small }: Ask) => {
  const rows: Row[] = []
  for (const [name, work] of LIBRARY) {
    rows.push(
      ...rowsOf(
        await cost({ name: `systeminformation ${name}`, times: small ? 1 : 10, work, pauseMs: small ? 0 : 600 })
      )
    )
  }
  return rows
}

/** One sample beside the calls of systeminformation with the same values. */
export const contenders = [{ name: 'offpeak', run: own }, { name: 'systeminformation', run: library }]
export const run = contest(contenders)
