import { SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { plainNumber } from '../source/number.ts'
import type { Exec } from '../source/exec.ts'
import type { Maybe, Ups, UpsWarning } from '../../model/machine/reading.ts'
import type { PartialReading, Sensor } from '../source/sensor-host.ts'

const BOUND = 4 * SECOND

/** States of `ups.status` in Network UPS Tools that mean mains. */
const ON_LINE = ['OL', 'BYPASS', 'CHRG']
const ON_BATTERY = ['OB', 'DISCHRG']

const has = (words: ReadonlySet<string>, wanted: readonly string[]): boolean => wanted.some(word => words.has(word))

/** The most reliable state comes first: `OB CHRG` is on battery, `OL DISCHRG` on mains. A low battery without another
 *  state is in use. */
function onBattery (words: ReadonlySet<string>): Maybe<boolean> {
  if (words.has('OB')) return true
  if (words.has('OL')) return false
  if (has(words, ON_BATTERY) || words.has('LB')) return true
  return has(words, ON_LINE) ? false : UNKNOWN
}

/** FSD: the machines on this UPS must shut down, regardless of its power. LB counts only while it runs on its
 *  battery. */
const warningOf = (words: ReadonlySet<string>): UpsWarning | null =>
  words.has('FSD') ? 'shutdown' : words.has('LB') ? 'low_battery' : null

/** The output of `upsc`: lines `name: value`. */
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

/** A UPS of Network UPS Tools, by its name such as `rack@localhost`. */
export function upsSensor ({ name, exec, everyMs }: { name: string, exec: Exec, everyMs: number }): Sensor {
  return {
    everyMs,
    silence: { ups: { on_battery: UNKNOWN, level: UNKNOWN, seconds_left: UNKNOWN, warning: 'silent' } },
    async read (): Promise<PartialReading> {
      const { code, output } = await exec({ argv: ['upsc', name], timeoutMs: BOUND })
      if (code !== 0) throw new Error(`upsc ${name} ended with exit code ${code}`)
      const ups = upsIn(output)
      // The server answers, but its driver has lost the UPS.
      if (ups.on_battery === UNKNOWN && ups.warning === null) {
        throw new Error(`upsc ${name} does not report the power source`)
      }
      return { ups }
    }
  }
}
