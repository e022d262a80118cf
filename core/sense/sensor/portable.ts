import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { share } from '../source/number.ts'
import type si from 'systeminformation'
import type { PartialReading, Sensor } from '../source/sensor-host.ts'

/** The calls of systeminformation that replace /proc and /sys. */
export type Library = Pick<typeof si,
  'battery' | 'currentLoad' | 'mem' | 'cpuTemperature' | 'networkStats' | 'networkInterfaceDefault'>

async function power (library: Library): Promise<PartialReading> {
  const { hasBattery, percent, isCharging, acConnected, timeRemaining } = await library.battery()
  if (!hasBattery) return { power: 'mains', battery: { present: false } }
  return {
    power: acConnected ? 'mains' : 'battery',
    battery: {
      present: true,
      level: percent,
      charging: isCharging,
      seconds_left: timeRemaining > 0 && !acConnected ? timeRemaining * 60 : UNKNOWN
    }
  }
}

async function cpu (library: Library): Promise<PartialReading> {
  const { currentLoad, avgLoad, cpus } = await library.currentLoad()
  const cores = Math.max(1, cpus.length)
  return { cpu: { busy: share(currentLoad / 100), load: avgLoad, cores } }
}

async function memory (library: Library): Promise<PartialReading> {
  const { total, available } = await library.mem()
  return { memory: { used: share(1 - available / total), available_bytes: available } }
}

async function network (library: Library): Promise<PartialReading> {
  const [stats, way] = await Promise.all([library.networkStats(), library.networkInterfaceDefault()])
  // The first answer of the library has no rate but null or -1.
  const rates = stats.map(({ rx_sec: received, tx_sec: sent }) =>
    (received ?? -1) < 0 || (sent ?? -1) < 0 ? NaN : received + sent
  )
  const sum = rates.reduce((total, value) => total + value, 0)
  return { network: { online: Boolean(way), bytes_per_s: stats.length > 0 && Number.isFinite(sum) ? sum : UNKNOWN } }
}

async function temperature (library: Library): Promise<PartialReading> {
  const { main, max } = await library.cpuTemperature()
  return { temperature: max ?? main ?? UNKNOWN }
}

// Not needed on systems with /proc and /sys.
const installed = async (): Promise<Library> => (await import('systeminformation')).default

/** The sensors of a system without /proc and /sys. Expensive ones have longer periods. */
export function elsewhere (library?: Library): Map<string, Sensor> {
  const sensor = (everyMs: number, ask: (library: Library) => Promise<PartialReading>): Sensor => ({
    everyMs,
    read: async () => await ask(library ?? await installed())
  })
  return new Map([
    ['power', sensor(30 * SECOND, power)],
    ['cpu', sensor(10 * SECOND, cpu)],
    ['memory', sensor(10 * SECOND, memory)],
    ['network', sensor(30 * SECOND, network)],
    ['temperature', sensor(MINUTE, temperature)]
  ])
}
