import { SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { plainNumber } from '../source/number.ts'
import type { Exec } from '../source/exec.ts'
import type { Maybe, Ups, UpsWarning } from '../../model/machine/reading.ts'
import type { PartialReading, Sensor } from '../source/sensor-host.ts'

const BOUND = 4 * SECOND

/** Words of `ups.status` in Network UPS Tools: on line, or fed by mains around the UPS. */
const ON_LINE = ['OL', 'BYPASS', 'CHRG']
const ON_BATTERY = ['OB', 'DISCHRG']

const has = (words: ReadonlySet<string>, wanted: readonly string[]): boolean => wanted.some(word => words.has(word))

/** The surest word first: `OB CHRG` is on battery, `OL DISCHRG` on line. A low battery without another word is in
 *  use. */
function onBattery (words: ReadonlySet<string>): Maybe<boolean> {
  if (words.has('OB')) return true
  if (words.has('OL')) return false
  if (has(words, ON_BATTERY) || words.has('LB')) return true
  return has(words, ON_LINE) ? false : UNKNOWN
}

/** FSD: the machines on this UPS were told to shut down, on whatever it runs. LB counts while it runs on its
 *  battery. */
const warningOf = (words: ReadonlySet<string>): UpsWarning | null =>
  words.has('FSD') ? 'shutdown' : words.has('LB') ? 'low_battery' : null

/** What `upsc` prints: `name: value`, a line each. */
function upsIn (output: string): Ups {
  const values = new Map(output.split('\n').map(line => line.trim().split(/:\s*/, 2) as [string, string]))
  const words = new Set((values.get('ups.status') ?? '').toUpperCase().split(/\s+/).filter(Boolean))
  return {
    on_battery: onBattery(words),
    level: plainNumber(values.get('battery.charge')) ?? UNKNOWN,
    seconds_left: plainNumber(values.get('battery.runtime')) ?? UNKNOWN,
    warning: warningOf(words)
  }
}

/** A UPS by its name in Network UPS Tools, such as `rack@localhost`. */
export function upsSensor ({ name, exec, everyMs }: { name: string, exec: Exec, everyMs: number }): Sensor {
  return {
    everyMs,
    silence: { ups: { on_battery: UNKNOWN, level: UNKNOWN, seconds_left: UNKNOWN, warning: 'silent' } },
    async read (): Promise<PartialReading> {
      const { code, output } = await exec({ argv: ['upsc', name], timeoutMs: BOUND })
      if (code !== 0) throw new Error(`upsc ${name} ended with exit code ${code}`)
      const ups = upsIn(output)
      // The server answers, and its driver has lost the UPS.
      if (ups.on_battery === UNKNOWN && ups.warning === null) {
        throw new Error(`upsc ${name} says nothing of where the power comes from`)
      }
      return { ups }
    }
  }
}
