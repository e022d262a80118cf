/** Reading any part of a text that was put together flattens all of it, which takes half a second for the longest
 *  ones. */
const READABLE = 16 * 2 ** 20

export const isReadable = (text: string): boolean => text.length <= READABLE

/** The beginning of a text, or words in its place where even that takes long to read; without half a character, which
 *  no row can keep. */
export const cut = (text: string, limit: number): string =>
  (isReadable(text) ? text : `[a text of ${text.length} characters]`).slice(0, limit).toWellFormed()
