import { existsSync, readdirSync } from 'node:fs'
import { SECOND } from '../../model/base/duration.ts'
import { absent } from '../source/files.ts'
import { powerOf } from './power-supply.ts'
import type { Files } from '../source/files.ts'
import type { SensorHost, PartialReading, Sensor } from '../source/sensor-host.ts'
import type { Supply } from './power-supply.ts'

const EVERY = 5 * SECOND
const PREFIX = 'POWER_SUPPLY_'
const ATTRIBUTES = [
  'type',
  'scope',
  'online',
  'present',
  'status',
  'capacity',
  'energy_now',
  'energy_full',
  'power_now',
  'charge_now',
  'charge_full',
  'current_now',
  'time_to_empty_now'
] as const

/** The attributes of a supply, from lines such as `POWER_SUPPLY_CAPACITY=87`. */
function inUevent (text: string | null): Supply {
  const pairs = (text ?? '').split('\n').filter(line => line.startsWith(PREFIX) && line.includes('='))
  return Object.fromEntries(
    pairs.map(line => [line.slice(PREFIX.length, line.indexOf('=')).toLowerCase(), line.slice(line.indexOf('=') + 1)])
  )
}

async function supplyAt (files: Files, folder: string): Promise<Supply> {
  // An attribute that cannot be read is left out.
  const read = (name: string) => files.driver(`${folder}/${name}`).catch(() => null)
  const event = inUevent(await read('uevent'))
  // Older kernels leave out the type there; the scope is there only if it is set.
  const names = event.status !== undefined || event.online !== undefined ? ['type', 'scope'] : ATTRIBUTES
  const missing = names.filter(name => event[name] === undefined)
  const values = await Promise.all(missing.map(read))
  const own = missing.flatMap((name, index) => values[index] === null ? [] : [[name, values[index]!]])
  return { ...event, ...Object.fromEntries(own) as Supply }
}

/** The names of the supplies; empty without the folder, null if a container hides all of /sys/class. */
function entries (sys: string): string[] | null {
  const names = absent(() => readdirSync(`${sys}/class/power_supply`))
  return names ?? (existsSync(`${sys}/class`) ? [] : null)
}

/** Mains, batteries and a UPS on USB, from /sys/class/power_supply. Read asynchronously, because drivers can be
 *  slow. */
export function powerSensor ({ files, roots }: SensorHost): Sensor {
  return {
    everyMs: EVERY,
    threaded: true,
    async read (): Promise<PartialReading> {
      const names = entries(roots.sys)
      if (names === null) return {}
      const supplies = await Promise.all(names.map(name => supplyAt(files, `${roots.sys}/class/power_supply/${name}`)))
      return powerOf(supplies)
    }
  }
}
