const LAST = 32

/** More than any operation asks for: a number that is used up decides nothing any more. */
export const MOST = 2n ** 128n - 1n

/** Draws decisions from one number: 0 is the first of what there is, so that a smaller number is a simpler operation.
 */
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

  /** One of the last of a list, which may be empty. What is drawn after it does not hang on the length of the list, so
   *  that an operation means much the same when others before it are left out. */
  among<T> (list: readonly T[]): T | undefined {
    const back = this.below(LAST)
    return list.length === 0 ? undefined : list.at(-1 - back % list.length)
  }
}
