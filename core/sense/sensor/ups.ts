import { SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { plainNumber } from '../source/number.ts'
import type { Exec } from '../source/program.ts'
import type { Part, Sensor } from '../source/sensor.ts'

const BOUND = 4 * SECOND

/** `ups.status` of Network UPS Tools: OL on line, OB on battery, among others. */
function onBattery (status: string | undefined) {
  const words = status?.split(' ') ?? []
  return words.includes('OB') ? true : words.includes('OL') ? false : UNKNOWN
}

/** A UPS by its name in Network UPS Tools, such as `rack@localhost`. */
export function upsSensor ({ name, exec, everyMs }: { name: string, exec: Exec, everyMs: number }): Sensor {
  return {
    everyMs,
    async read (): Promise<Part> {
      const { code, output } = await exec({ argv: ['upsc', name], timeoutMs: BOUND })
      if (code !== 0) throw new Error(`upsc ${name} ended with exit code ${code}`)
      const values = Object.fromEntries(output.split('\n').map(line => line.split(': ', 2) as [string, string]))
      return {
        ups: {
          on_battery: onBattery(values['ups.status']),
          level: plainNumber(values['battery.charge']) ?? UNKNOWN,
          seconds_left: plainNumber(values['battery.runtime']) ?? UNKNOWN
        }
      }
    }
  }
}
