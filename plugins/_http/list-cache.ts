type Item = Record<string, unknown>

interface Written {
  items: readonly Item[]
  texts: readonly string[]
  body: Buffer
}

const NOTHING: Written = { items: [], texts: [], body: Buffer.from('[]') }

// A text that was put together lies in pieces, and every join would walk through them all; one that was read lies in
// one piece.
const whole = (text: string): string => Buffer.from(text).toString()

/** A list of things that are never changed but replaced, as JSON: what stands where it stood when the list was last
 *  asked for is not written again. */
export class Texts {
  #last = NOTHING

  /** The list in UTF-8; `write` gives the JSON of one. */
  of (items: readonly Item[], write: (item: Item) => string): Buffer {
    const { items: before, texts: known, body } = this.#last
    if (items.length === before.length && items.every((item, index) => item === before[index])) return body
    const texts = items.map((item, index) => item === before[index] ? known[index]! : whole(write(item)))
    this.#last = { items, texts, body: Buffer.from(`[${texts.join(',')}]`) }
    return this.#last.body
  }
}
