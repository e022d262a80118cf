import { Limits } from './source/cgroup.ts'
import { OwnProcesses } from './source/process-tree.ts'
import { connectionSensor } from './sensor/connection.ts'
import { cpuSensor } from './sensor/cpu.ts'
import { diskSensor } from './sensor/disk.ts'
import { elsewhere } from './sensor/portable.ts'
import { idleSensor } from './sensor/idle.ts'
import { ioSensor } from './sensor/io.ts'
import { loopSensor } from './sensor/loop.ts'
import { memorySensor } from './sensor/memory.ts'
import { milliseconds } from '../model/base/duration.ts'
import { networkSensor } from './sensor/network.ts'
import { powerSensor } from './sensor/power.ts'
import { pressureSensor } from './sensor/pressure.ts'
import { temperatureSensor } from './sensor/temperature.ts'
import { upsSensor } from './sensor/ups.ts'
import type { Config } from '../model/config/config.ts'
import type { Exec } from './source/exec.ts'
import type { SensorHost, Sensor } from './source/sensor-host.ts'

function linux ({ host, exec, idleEveryMs }: SensorsAsk): [string, Sensor][] {
  const limits = new Limits(host)
  const processes = new OwnProcesses(host)
  return [
    ['cpu', cpuSensor(host, limits, processes)],
    ['pressure', pressureSensor(host, limits)],
    ['memory', memorySensor(host, limits, processes)],
    ['io', ioSensor(host, processes)],
    ['network', networkSensor(host, processes)],
    ['power', powerSensor(host)],
    ['temperature', temperatureSensor(host)],
    ['idle', idleSensor({ ...host, exec, everyMs: idleEveryMs })]
  ]
}

/** `idleEveryMs`: the period of the idle sensor. */
interface SensorsAsk {
  host: SensorHost
  exec: Exec
  platform: NodeJS.Platform
  idleEveryMs: () => number
}

/** The sensors of this system that do not depend on the configuration. */
export const fixedSensors = (ask: SensorsAsk): Map<string, Sensor> =>
  new Map([...ask.platform === 'linux' ? linux(ask) : elsewhere(), ['loop', loopSensor()]])

/** The sensors that depend on the configuration. `folder` is the data folder, whose disk is always measured. */
export function chosenSensors (
  { host, exec, platform, folder, sense }: Omit<SensorsAsk, 'idleEveryMs'> & { folder: string, sense: Config['sense'] }
): Map<string, Sensor> {
  const everyMs = milliseconds(sense.slow_every)
  const paths = new Set([folder, ...sense.disks])
  const sensors = new Map([...paths].map(path => [`disk ${path}`, diskSensor(path)]))
  if (platform === 'linux') {
    sensors.set('connection', connectionSensor({ ...host, exec, everyMs, metered: sense.metered }))
  }
  if (platform !== 'linux' && sense.metered !== 'auto') {
    sensors.set('connection', { everyMs, read: () => ({ network: { metered: sense.metered === 'yes' } }) })
  }
  if (sense.ups !== null) sensors.set('ups', upsSensor({ name: sense.ups, exec, everyMs }))
  return sensors
}
