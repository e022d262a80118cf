/** Restores what a patch has replaced. */
export type Restore = () => void

/** Applies patches one after another. When one throws, those before it are restored. */
function applied (patches: Iterable<Restore>): Restore {
  const restores: Restore[] = []
  const restore = () => {
    for (const one of restores.splice(0).toReversed()) one()
  }
  try {
    for (const one of patches) restores.push(one)
  } catch (error) {
    restore()
    throw error
  }
  return restore
}

/** A patch of shared state of the process: applied for the first user, restored after the last. */
export class SharedPatch<Words extends unknown[] = []> {
  readonly #patches: (...words: Words) => Iterable<Restore>
  #users = 0
  #restore: Restore = () => undefined

  /** `patches`: applies each patch when it is iterated over. */
  constructor (patches: (...words: Words) => Iterable<Restore>) {
    this.#patches = patches
  }

  /** Returns a function that ends this use; further calls of it do nothing. */
  take (...words: Words): Restore {
    if (this.#users === 0) this.#restore = applied(this.#patches(...words))
    this.#users++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      if (--this.#users === 0) this.#restore()
    }
  }
}
