import { UNKNOWN, known } from '../machine/reading.ts'
import type { Config } from '../config/config.ts'
import type { Reading } from '../machine/reading.ts'

const BUSY: Partial<Reading> = {
  pressure: { cpu: { some: 100, full: 100 }, memory: { some: 100, full: 100 }, io: { some: 100, full: 100 } },
  memory: { used: 1, available_bytes: 0 },
  io: { busy: 1, bytes_per_s: Number.MAX_SAFE_INTEGER },
  network: { online: false, metered: true, bytes_per_s: Number.MAX_SAFE_INTEGER },
  idle_seconds: 0,
  signals: {},
  trends: {}
}

/** The worst reading for every run: other programs use all resources, someone uses the machine, every probe is busy and
 *  no signal is set. A full disk and a hot machine are left out: they would stop everything. */
function busy (reading: Reading, probes: Config['probes']): Reading {
  const answers = Object.keys({ ...reading.probes, ...probes }).map(name =>
    [
      name,
      { busy: true, at: reading.at, detail: null }
    ] as const
  )
  return {
    ...reading,
    ...BUSY,
    cpu: { ...reading.cpu, busy: 1, own: 0, load: 100 },
    probes: Object.fromEntries(answers)
  }
}

const onBattery = (reading: Reading, level: number): Reading => ({
  ...reading,
  power: 'battery',
  battery: { present: true, level, charging: false, seconds_left: UNKNOWN },
  ups: reading.ups && { ...reading.ups, on_battery: false }
})

const onUps = (reading: Reading): Reading[] =>
  reading.ups === null
    ? []
    : [{ ...reading, ups: { on_battery: true, level: 0, seconds_left: 0, warning: 'low_battery' } }]

/** Readings that together close every gate that any course of the readings can close: a busy machine on mains, on
 *  battery at the level of each profile, and on a UPS if it has one. */
export function courses (
  reading: Reading,
  { probes, power: { battery_thresholds: { low, critical } } }: Pick<Config, 'probes' | 'power'>
): Reading[] {
  const worst = busy(reading, probes)
  const levels = [...new Set([0, critical, low, Math.min(100, low + 1), 100])]
  const mains: Reading = {
    ...worst,
    power: 'mains',
    battery: { ...worst.battery, ...known(worst.battery.level) && { level: 0, charging: true } }
  }
  return [mains, ...levels.map(level => onBattery(worst, level)), ...onUps(worst)]
}

/** A full disk and a hot machine, for tasks with `disk_free` or `temperature_below`. */
export const unsafe = (reading: Reading): Reading => ({
  ...reading,
  disks: (reading.disks.length > 0 ? reading.disks : [{ path: '/' }])
    .map(({ path }) => ({ path, free_bytes: 0, used: 1 })),
  temperature: known(reading.temperature) ? Math.max(200, reading.temperature) : 200
})
