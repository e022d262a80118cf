const LAST = 32

/** Larger than any operation needs: a number that is used up yields zeros. */
export const MOST = 2n ** 128n - 1n

/** Draws decisions from one number. 0 selects the first alternative, so a smaller number is a simpler operation. */
export class Draw {
  #left: bigint

  constructor (number: bigint) {
    this.#left = number
  }

  below (count: number): number {
    const drawn = this.#left % BigInt(count)
    this.#left /= BigInt(count)
    return Number(drawn)
  }

  of<const T> (list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** One of the last elements of a list, which may be empty. Later draws do not depend on the length of the list, so an
   *  operation stays similar when earlier ones are left out. */
  among<T> (list: readonly T[]): T | undefined {
    const back = this.below(LAST)
    return list.length === 0 ? undefined : list.at(-1 - back % list.length)
  }
}
