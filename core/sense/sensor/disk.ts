import { statfs } from 'node:fs/promises'
import { SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { share } from '../source/number.ts'
import type { PartialReading, Sensor } from '../source/sensor-host.ts'

const EVERY = 30 * SECOND

/** The free space for unprivileged programs on the file system of a path, and the share in use as in df(1). */
export function diskSensor (path: string): Sensor {
  return {
    everyMs: EVERY,
    threaded: true,
    async read (): Promise<PartialReading> {
      const { bsize, blocks, bfree, bavail } = await statfs(path)
      const used = blocks - bfree
      return {
        disks: [{
          path,
          free_bytes: bavail * bsize,
          used: used + bavail === 0 ? UNKNOWN : share(used / (used + bavail))
        }]
      }
    }
  }
}
