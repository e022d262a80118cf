import { MINUTE } from '../../model/base/duration.ts'

/** What one sensor says, °C; `since`: from when on it has said the same, ms on a clock that only counts. */
export interface Degrees {
  value: number
  chip: string
  name: string
  since: number
}

/** Outside of this nothing runs: an input that is not connected reads 127, 128 or 255, or as far below zero. */
const SANE = { least: -40, most: 120 }
/** Exactly nothing is what a sensor says that has nothing to say. */
const NOTHING = 0

/** Monitor chips on boards, some of whose inputs lead nowhere. The sensors within processors and disks are believed. */
const BOARD = /^(?:nct|it8|w83|f71|f81|sch\d|lm\d|adt7|asb|dme|smsc|pc87|vt\d|acpitz)/i
/** From here on a gate would hold for such an input. */
const HOT = 80
/** What is hot changes by some tenths all the time. */
const STUCK_FOR = 10 * MINUTE

const isImpossible = ({ value }: Degrees): boolean => value >= SANE.most || value <= SANE.least || value === NOTHING

const isStuck = ({ value, chip, since }: Degrees, now: number): boolean =>
  BOARD.test(chip) && value >= HOT && now - since >= STUCK_FOR

/** The temperatures that can be meant, and in words what is left out although it would hold work for ever. */
export function doubtsOf (all: readonly Degrees[], now: number): { sane: number[], left: string[] } {
  const possible = all.filter(one => !isImpossible(one))
  return {
    sane: possible.filter(one => !isStuck(one, now)).map(({ value }) => value),
    left: [
      ...all.filter(one => isImpossible(one) && one.value >= HOT)
        .map(({ name, value }) => `${name} says ${value} °C, which no machine that runs can have: it is left out`),
      ...possible.filter(one => isStuck(one, now))
        .map(({ name, value }) => `${name} says ${value} °C without any change: it is left out`)
    ]
  }
}
