/** The longest text that is read, characters: reading a part of a concatenated string flattens all of it, which takes
 *  half a second for the longest ones. */
const READABLE = 16 * 2 ** 20

export const isReadable = (text: string): boolean => text.length <= READABLE

/** At most `limit` characters of a text, or a placeholder when reading it would take long; lone surrogates are
 *  replaced, because rows cannot store them. */
export const cut = (text: string, limit: number): string =>
  (isReadable(text) ? text : `[a text of ${text.length} characters]`).slice(0, limit).toWellFormed()

/** `1 task`, `2 tasks`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
