type Item = Record<string, unknown>

interface Written {
  items: readonly Item[]
  texts: readonly string[]
  body: Buffer
}

const NOTHING: Written = { items: [], texts: [], body: Buffer.from('[]') }

// V8 keeps a concatenated string as a tree, which every join would traverse. A decoded string is flat.
const flat = (text: string): string => Buffer.from(text).toString()

/** Serializes a list of immutable items as JSON. An item at the same index as in the last call is not serialized
 *  again. */
export class Texts {
  #last = NOTHING

  /** The JSON of the list in UTF-8; `write` returns the JSON of one item. */
  of (items: readonly Item[], write: (item: Item) => string): Buffer {
    const { items: before, texts: known, body } = this.#last
    if (items.length === before.length && items.every((item, index) => item === before[index])) return body
    const texts = items.map((item, index) => item === before[index] ? known[index]! : flat(write(item)))
    this.#last = { items, texts, body: Buffer.from(`[${texts.join(',')}]`) }
    return this.#last.body
  }
}
