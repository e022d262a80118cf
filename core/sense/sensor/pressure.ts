import { UNKNOWN } from '../../model/machine/reading.ts'
import { plainNumber } from '../source/number.ts'
import type { Maybe, Pressure } from '../../model/machine/reading.ts'
import type { Limits } from '../source/cgroup.ts'
import type { SensorHost, PartialReading, Sensor } from '../source/sensor-host.ts'

const NONE: Pressure = { some: UNKNOWN, full: UNKNOWN }

function average (text: string, kind: 'some' | 'full'): Maybe<number> {
  const line = text.indexOf(`${kind} avg10=`)
  if (line < 0) return UNKNOWN
  const from = line + kind.length + 7
  return plainNumber(text.slice(from, text.indexOf(' ', from))) ?? UNKNOWN
}

const pressureOf = (text: string | null): Pressure =>
  text === null ? NONE : { some: average(text, 'some'), full: average(text, 'full') }

/** Pressure stall information of the kernel (Documentation/accounting/psi.rst), or of the container if it has a
 *  limit. */
export function pressureSensor ({ files, roots }: SensorHost, limits: Limits): Sensor {
  // Without PSI, or without the permission to read it, it is tried once.
  const hidden = new Set<string>()
  const whole = (kind: string): string | null => {
    if (hidden.has(kind)) return null
    try {
      return files.text(`${roots.proc}/pressure/${kind}`)
    } catch {
      hidden.add(kind)
      return null
    }
  }
  const text = (kind: 'cpu' | 'memory' | 'io') => (kind === 'io' ? null : limits.pressure(kind)) ?? whole(kind)
  return {
    everyMs: 0,
    read: (): PartialReading => ({
      pressure: { cpu: pressureOf(text('cpu')), memory: pressureOf(text('memory')), io: pressureOf(text('io')) }
    })
  }
}
