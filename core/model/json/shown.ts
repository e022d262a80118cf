/** What does something to a terminal, a log or a reader that it does not show: C0 but line feed and tab, DEL, C1, marks
 *  of direction, separators of lines, characters without width, fillers, tags, and halves of surrogate pairs. */
const HIDDEN = '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5' +
  '\\u180b-\\u180f\\u200b\\u200e\\u200f' +
  '\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}\\p{Cs}'
/** Joiners shape Persian, Indic scripts and emoji; between other characters they only make two names look like one. */
const JOINERS = '(?<![[\\p{L}\\p{M}\\p{So}\\p{Sk}\\ufe0f]--' +
  '[\\p{ASCII}\\p{Script=Latin}\\p{Script=Greek}\\p{Script=Cyrillic}]])[\\u200c\\u200d]'
const UNSHOWN = new RegExp(`[${HIDDEN}]|${JOINERS}`, 'gv')
/** Most texts are plain: they are looked at once. */
const PLAIN = /^[\t\n\x20-\x7e]*$/

const unitWords = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A text as it may reach a terminal or a log: what would not be shown is written as in JSON, `\u001b`. JSON stays
 *  JSON, and what was escaped stays as it is. */
export const shown = (text: string): string =>
  PLAIN.test(text)
    ? text
    : text.replaceAll(UNSHOWN, found => Array.from({ length: found.length }, (_, at) => unitWords(found[at]!)).join(''))
