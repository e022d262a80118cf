/** Invisible characters that affect a terminal, a log or a reader: C0 except line feed and tab, DEL, C1, direction
 *  marks, line separators, zero-width characters, fillers, tags, and lone surrogates. */
const HIDDEN = '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5' +
  '\\u180b-\\u180f\\u200b\\u200e\\u200f' +
  '\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}\\p{Cs}'
/** Joiners are needed in Persian, Indic scripts and emoji; between other characters they make two names look equal. */
const JOINERS = '(?<![[\\p{L}\\p{M}\\p{So}\\p{Sk}\\ufe0f]--' +
  '[\\p{ASCII}\\p{Script=Latin}\\p{Script=Greek}\\p{Script=Cyrillic}]])[\\u200c\\u200d]'
const UNSHOWN = new RegExp(`[${HIDDEN}]|${JOINERS}`, 'gv')
/** A fast path: most texts are plain. */
const PLAIN = /^[\t\n\x20-\x7e]*$/

const unitWords = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A text that is safe for a terminal or a log: invisible characters are escaped as in JSON, `\u001b`. JSON stays
 *  valid, and existing escapes stay as they are. */
export const shown = (text: string): string =>
  PLAIN.test(text)
    ? text
    : text.replaceAll(UNSHOWN, found => Array.from({ length: found.length }, (_, at) => unitWords(found[at]!)).join(''))
