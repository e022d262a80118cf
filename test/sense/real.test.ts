import t from 'tap'
import { scratch } from '../work/harness.ts'
import { existsSync, readFileSync } from 'node:fs'
import { spawn } from '../child.ts'
import { once } from 'node:events'
import { defaultsOf } from '../../core/model/config/config.ts'
import { elsewhere } from '../../core/sense/sensor/portable.ts'
import { assemble } from '../../core/sense/source/sensor-host.ts'
import { Senses } from '../../core/sense/senses.ts'
import { systemClock } from '../../core/model/base/clock.ts'
import { noPrograms } from './machine.ts'
import { until } from '../clock.ts'
import type { Test } from 'tap'
import type { Library } from '../../core/sense/sensor/portable.ts'

const linux = { skip: process.platform === 'linux' ? false : 'reads /proc' }

function setup (t: Test) {
  const config = defaultsOf()
  const senses = new Senses({ clock: systemClock, config: () => config, folder: scratch(t), exec: noPrograms })
  t.teardown(() => senses.stop())
  return senses
}
t.test('this machine can be read', linux, async t => {
  const senses = setup(t)
  await senses.start()
  const reading = await senses.sample()
  t.match(reading, {
    memory: { available_bytes: Number },
    cpu: { cores: Number, load: Number },
    disks: [{ used: Number, free_bytes: Number }]
  })
  t.ok(reading.cpu.cores > 0)
  if (existsSync('/proc/pressure/io')) t.match(reading.pressure.io, { some: Number, full: Number })
  t.strictSame(senses.troubles(), [])
})

const WORK_MS = 300
// The machine may be busy with other things: what counts is the time that we were given.
const share = (ms: number, begun: number, cores: number) => ms / (performance.now() - begun) / cores

t.test('a busy loop is measured as usage of offpeak', linux, async t => {
  const senses = setup(t)
  await senses.start()
  const begun = performance.now()
  const before = process.cpuUsage()
  while (process.cpuUsage(before).user < WORK_MS * 1000);
  const { busy, own, cores } = (await senses.sample()).cpu
  const least = 0.7 * share(WORK_MS, begun, cores)
  t.ok(Number(busy) > least, `busy is ${busy}`)
  t.ok(Number(own) > least && Number(own) <= Number(busy), `own is ${own}`)
})

t.test('the work of a child process is that of offpeak', linux, async t => {
  const senses = setup(t)
  const child = spawn(process.execPath, ['-e', 'console.log(1); for (;;);'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const worked = () => Number(readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')[13]) * 10
  await senses.start()
  const begun = performance.now()
  const before = worked()
  await until('it has worked', () => worked() - before >= WORK_MS)
  const { own, cores } = (await senses.sample()).cpu
  t.ok(Number(own) > 0.7 * share(WORK_MS, begun, cores), `own is ${own}`)
})

t.test('other systems are read by the library, and a failing call does not affect the others', async t => {
  const library = {
    battery: async () => ({ hasBattery: true, percent: 55, isCharging: false, acConnected: false, timeRemaining: 90 }),
    currentLoad: async () => ({ currentLoad: 25, avgLoad: 0.5, cpus: [1, 2, 3, 4] }),
    mem: async () => ({ total: 100, available: 75 }),
    cpuTemperature: async () => ({ main: null, max: null }),
    networkStats: async () => [{ rx_sec: null, tx_sec: null }],
    networkInterfaceDefault: async () => 'en0'
  } as unknown as Library
  const parts = await Promise.all([...elsewhere(library).values()].map(sensor => sensor.read()))
  t.match(assemble(0, parts), {
    power: 'battery',
    battery: { present: true, level: 55, charging: false, seconds_left: 5400 },
    cpu: { busy: 0.25, load: 0.5, cores: 4 },
    memory: { used: 0.25, available_bytes: 75 },
    temperature: 'unknown',
    network: { online: true, bytes_per_s: 'unknown' }
  })
  const none = elsewhere(
    { ...library, battery: async () => ({ hasBattery: false, percent: 0, acConnected: true }) } as unknown as Library
  )
  t.match(assemble(0, [await none.get('power')!.read()]), {
    power: 'mains',
    battery: { present: false, level: 'unknown' }
  })
})
