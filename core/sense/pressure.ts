import { UNKNOWN } from '../model/reading.ts'
import { plainNumber } from './number.ts'
import type { Maybe, Pressure } from '../model/reading.ts'
import type { Limits } from './cgroup.ts'
import type { Ground, Part, Sensor } from './sensor.ts'

const NONE: Pressure = { some: UNKNOWN, full: UNKNOWN }

function average (text: string, kind: 'some' | 'full'): Maybe<number> {
  const line = text.indexOf(`${kind} avg10=`)
  if (line < 0) return UNKNOWN
  const from = line + kind.length + 7
  return plainNumber(text.slice(from, text.indexOf(' ', from))) ?? UNKNOWN
}

const pressureOf = (text: string | null): Pressure =>
  text === null ? NONE : { some: average(text, 'some'), full: average(text, 'full') }

/** Pressure stall information of the kernel (Documentation/accounting/psi.rst), the container's own where it has a limit. */
export function pressureSensor ({ files, roots }: Ground, limits: Limits): Sensor {
  // A kernel without PSI is asked once.
  const hidden = new Set<string>()
  const text = (kind: 'cpu' | 'memory' | 'io') => {
    const own = kind === 'io' ? null : limits.pressure(kind)
    if (own !== null || hidden.has(kind)) return own
    const whole = files.optional(`${roots.proc}/pressure/${kind}`)
    if (whole === null) hidden.add(kind)
    return whole
  }
  return {
    everyMs: 0,
    read: (): Part => ({ pressure: { cpu: pressureOf(text('cpu')), memory: pressureOf(text('memory')), io: pressureOf(text('io')) } })
  }
}
