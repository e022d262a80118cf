import { readdir } from 'node:fs/promises'
import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { plainNumber } from '../source/number.ts'
import type { Files } from '../source/files.ts'
import type { Ground, Part, Roots, Sensor } from '../source/sensor.ts'
import type { Clock } from '../../model/base/clock.ts'

const EVERY = 15 * SECOND
const LIST_AGAIN = 5 * MINUTE
const MILLI = 1000
const MOST_SENSORS = 32
/** Outside of this a sensor is not connected or broken. */
const SANE = { least: -40, most: 150 }
/** Asking one of these can keep a disk from its sleep. */
const LEFT_ALONE = new Set(['drivetemp'])

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

async function zones (sys: string): Promise<string[]> {
  const names = await list(`${sys}/class/thermal`)
  return names.filter(name => name.startsWith('thermal_zone')).map(name => `${sys}/class/thermal/${name}/temp`)
}

async function chips (files: Files, sys: string): Promise<string[]> {
  const folders = (await list(`${sys}/class/hwmon`)).map(name => `${sys}/class/hwmon/${name}`)
  const inputs = await Promise.all(folders.map(async folder => {
    if (LEFT_ALONE.has(await files.driver(`${folder}/name`) ?? '')) return []
    return (await list(folder)).filter(name => /^temp\d+_input$/.test(name)).map(name => `${folder}/${name}`)
  }))
  return inputs.flat()
}

function sensorFiles ({ files, roots, clock }: { files: Files, roots: Roots, clock: Clock }): () => Promise<string[]> {
  let found: string[] = []
  let at = -Infinity
  return async () => {
    if (clock.monotonic() - at < LIST_AGAIN) return found
    at = clock.monotonic()
    found = [...await zones(roots.sys), ...await chips(files, roots.sys)].slice(0, MOST_SENSORS)
    return found
  }
}

/** The hottest of the thermal zones and hardware monitors; a sensor that fails leaves the others. */
export function temperatureSensor (ground: Ground): Sensor {
  const paths = sensorFiles(ground)
  return {
    everyMs: EVERY,
    threaded: true,
    async read (): Promise<Part> {
      const texts = await Promise.all((await paths()).map(path => ground.files.driver(path).catch(() => null)))
      const degrees = texts.map(plainNumber).filter(value => value !== null).map(value => value / MILLI)
      const sane = degrees.filter(value => value > SANE.least && value < SANE.most && value !== 0)
      return { temperature: sane.length === 0 ? UNKNOWN : Math.max(...sane) }
    }
  }
}
