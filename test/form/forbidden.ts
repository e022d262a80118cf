/** A word or phrase that does not come back, and what is written instead. */
export interface Forbidden {
  /** Whole words, in any case; `*` stands for the rest of a word. */
  words: string
  instead: string
}

/** One list for comments, strings, reasons, errors, help and documentation. */
export const FORBIDDEN: readonly Forbidden[] = [
  { words: 'conscience', instead: 'holds, deadlines, preemption' },
  { words: 'breath', instead: 'breathe' },
  { words: 'lull', instead: 'quiescence' },
  { words: 'wakeful', instead: 'busyness' },
  { words: 'foresight', instead: 'forecast' },
  { words: 'seams', instead: 'execution ports' }
]

/** The pattern of words; white space and the stars of a comment may stand between them. */
export const patternOf = ({ words }: Forbidden): RegExp =>
  new RegExp(
    `(?<![\\w-])${words.replaceAll(/[.()]/g, '\\$&').replaceAll('*', '\\w*').replaceAll(' ', '[\\s*/]+')}(?![\\w-])`,
    'gi'
  )
