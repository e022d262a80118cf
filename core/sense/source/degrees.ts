import { MINUTE } from '../../model/base/duration.ts'

/** The value of one input, °C. `since`: monotonic ms since which it has not changed. */
export interface Degrees {
  value: number
  chip: string
  name: string
  since: number
}

/** Values outside this range are impossible: an unconnected input reads 127, 128 or 255, or as far below zero. */
const SANE = { least: -40, most: 120 }
/** Some inputs read exactly 0 without a sensor. */
const NOTHING = 0

/** Monitor chips of boards, which may have unconnected inputs. Sensors in processors and disks are trusted. */
const BOARD = /^(?:nct|it8|w83|f71|f81|sch\d|lm\d|adt7|asb|dme|smsc|pc87|vt\d|acpitz)/i
/** Above this, an unconnected input would close a gate. */
const HOT = 80
/** A hot sensor changes by some tenths all the time. */
const STUCK_FOR = 10 * MINUTE

const isImpossible = ({ value }: Degrees): boolean => value >= SANE.most || value <= SANE.least || value === NOTHING

const isStuck = ({ value, chip, since }: Degrees, now: number): boolean =>
  BOARD.test(chip) && value >= HOT && now - since >= STUCK_FOR

/** The plausible temperatures, and messages about the others. */
export function doubtsOf (all: readonly Degrees[], now: number): { sane: number[], left: string[] } {
  const possible = all.filter(one => !isImpossible(one))
  return {
    sane: possible.filter(one => !isStuck(one, now)).map(({ value }) => value),
    left: [
      ...all.filter(one => isImpossible(one) && one.value >= HOT)
        .map(({ name, value }) => `${name} reads ${value} °C, which is impossible: it is ignored`),
      ...possible.filter(one => isStuck(one, now))
        .map(({ name, value }) => `${name} reads ${value} °C without any change: it is ignored`)
    ]
  }
}
