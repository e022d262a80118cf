import { readdir } from 'node:fs/promises'
import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { doubtsOf } from '../source/degrees.ts'
import { plainNumber } from '../source/number.ts'
import type { Degrees } from '../source/degrees.ts'
import type { Files } from '../source/files.ts'
import type { SensorHost, PartialReading, Roots, Sensor } from '../source/sensor-host.ts'
import type { Clock } from '../../model/base/clock.ts'

const EVERY = 15 * SECOND
const LIST_AGAIN = 5 * MINUTE
const MILLI = 1000
const MOST_SENSORS = 32
/** Reading one of these can prevent a disk from sleeping. */
const LEFT_ALONE = new Set(['drivetemp'])

/** One input: its file and its name, such as `nct6797 AUXTIN2` or `x86_pkg_temp`. */
interface Input {
  path: string
  chip: string
  name: string
}

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/** The trimmed content of a file with a name, or null. */
const named = (files: Files, path: string): string | null => files.once(path)?.trim() || null

async function zones (files: Files, sys: string): Promise<Input[]> {
  const names = await list(`${sys}/class/thermal`)
  return names.filter(name => name.startsWith('thermal_zone')).map(name => {
    const chip = named(files, `${sys}/class/thermal/${name}/type`) ?? name
    return { path: `${sys}/class/thermal/${name}/temp`, chip, name: chip }
  })
}

async function chips (files: Files, sys: string): Promise<Input[]> {
  const folders = (await list(`${sys}/class/hwmon`)).map(name => `${sys}/class/hwmon/${name}`)
  const inputs = await Promise.all(folders.map(async folder => {
    const chip = named(files, `${folder}/name`) ?? ''
    if (LEFT_ALONE.has(chip)) return []
    const names = (await list(folder)).filter(name => /^temp\d+_input$/.test(name))
    return names.map(name => {
      const label = named(files, `${folder}/${name.replace('_input', '_label')}`)
      return { path: `${folder}/${name}`, chip, name: `${chip} ${label ?? name.replace('_input', '')}`.trim() }
    })
  }))
  return inputs.flat()
}

function inputsOf ({ files, roots, clock }: { files: Files, roots: Roots, clock: Clock }): () => Promise<Input[]> {
  let found: Input[] = []
  let at = -Infinity
  return async () => {
    if (clock.monotonic() - at < LIST_AGAIN) return found
    at = clock.monotonic()
    found = [...await zones(files, roots.sys), ...await chips(files, roots.sys)].slice(0, MOST_SENSORS)
    return found
  }
}

/** The highest temperature of thermal zones and hardware monitors. Inputs that fail are left out; impossible values are
 *  ignored and reported. */
export function temperatureSensor (host: SensorHost): Sensor {
  const inputs = inputsOf(host)
  const since = new Map<string, Pick<Degrees, 'value' | 'since'>>()
  let doubts: readonly string[] = []
  const read = async ({ path, chip, name }: Input): Promise<Degrees[]> => {
    const milli = plainNumber(await host.files.driver(path).catch(() => null))
    if (milli === null) return []
    const value = milli / MILLI
    const before = since.get(path)
    const one = { value, chip, name, since: before?.value === value ? before.since : host.clock.monotonic() }
    since.set(path, one)
    return [one]
  }
  return {
    everyMs: EVERY,
    threaded: true,
    doubts: () => doubts,
    async read (): Promise<PartialReading> {
      const all = (await Promise.all((await inputs()).map(read))).flat()
      const { sane, left } = doubtsOf(all, host.clock.monotonic())
      doubts = left
      return { temperature: sane.length === 0 ? UNKNOWN : Math.max(...sane) }
    }
  }
}
