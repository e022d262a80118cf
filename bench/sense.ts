import { mkdtempSync, rmSync } from 'node:fs'
import { channel } from 'node:diagnostics_channel'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import si from 'systeminformation'
import { SECOND } from '../core/model/duration.ts'
import { Senses } from '../core/sense/senses.ts'
import { defaultsOf } from '../core/model/config.ts'

/** What one look at the machine costs: processor time in µs (children of this process not included), processes started, and how long it takes. */
export interface Cost { name: string, cpu_us: number, processes: number, wall_ms: number }

const round = (value: number, digits: number) => Number(value.toFixed(digits))

interface CostAsk { name: string, times: number, work: () => unknown, pauseMs?: number }

async function cost ({ name, times, work, pauseMs = 0 }: CostAsk): Promise<Cost> {
  const sum = { cpu: 0, wall: 0, processes: 0 }
  const count = () => { sum.processes++ }
  await work()
  channel('child_process').subscribe(count)
  for (let index = 0; index < times; index++) {
    // The library answers calls in quick succession from its memory.
    if (pauseMs > 0) await pause(pauseMs)
    const begun = performance.now()
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    sum.cpu += user + system
    sum.wall += performance.now() - begun
  }
  channel('child_process').unsubscribe(count)
  return { name, cpu_us: round(sum.cpu / times, 1), processes: round(sum.processes / times, 2), wall_ms: round(sum.wall / times, 3) }
}

/** Samples as the manager takes them, five seconds apart on a clock that does not wait: what is asked rarely counts as often as it is asked. */
async function ours (times: number): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-bench-'))
  const config = defaultsOf()
  const begun = Date.now()
  let passed = 0
  const senses = new Senses({ clock: { now: () => begun + passed, monotonic: () => passed }, config: () => config, folder })
  const work = () => {
    passed += 5 * SECOND
    return senses.sample()
  }
  try {
    await senses.start()
    for (let index = 0; index < 1000; index++) await work()
    return await cost({ name: 'one default sample', times, work })
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

/** Measures one sample beside the calls of systeminformation that tell the same. */
export async function run ({ small }: { small: boolean }): Promise<Cost[]> {
  const costs = [await ours(small ? 500 : 5000)]
  for (const [name, work] of LIBRARY) costs.push(await cost({ name: `systeminformation ${name}`, times: small ? 2 : 10, work, pauseMs: 600 }))
  return costs
}

if (import.meta.main) console.table(await run({ small: process.argv.includes('--small') }))
