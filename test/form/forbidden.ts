/** A word or phrase that does not come back, and what is written instead. */
export interface Forbidden {
  /** Whole words, in any case; `*` stands for the rest of a word. */
  words: string
  instead: string
}

/** One list for comments, strings, reasons, errors, help and documentation. */
export const FORBIDDEN: readonly Forbidden[] = [
  { words: 'hears', instead: 'is called with, receives' },
  { words: 'anew', instead: 'again, starts over' },
  { words: 'signs', instead: 'characters' },
  { words: 'dealt with', instead: 'handled' },
  { words: 'hangs on', instead: 'depends on' },
  { words: 'hung on', instead: 'depended on' },
  { words: 'without a word', instead: 'by default, silently, unasked' },
  { words: 'no word', instead: 'nothing, no reason' },
  { words: 'dear', instead: 'expensive, high' },
  { words: 'bound wider', instead: 'listening beyond loopback' },
  { words: 'only these', instead: 'these alone, no others' },
  { words: 'takes back', instead: 'undoes, cancels' },
  { words: 'takes that back', instead: 'returns a function that cancels it' },
  { words: 'foremost', instead: 'first' },
  { words: 'conscience', instead: 'holds, deadlines, preemption' },
  { words: 'breath', instead: 'breathe' },
  { words: 'lull', instead: 'quiescence' },
  { words: 'wakeful', instead: 'busyness' },
  { words: 'foresight', instead: 'forecast' },
  { words: 'seams', instead: 'execution ports' },
  { words: 'diary', instead: 'recorder' },
  { words: 'standpoint', instead: 'conditions' },
  { words: 'told', instead: 'notified, given, reported' },
  { words: 'heard', instead: 'received, reported' },
  { words: 'whoever', instead: 'the caller, a client that' },
  { words: 'so many', instead: 'that many, at most N' },
  { words: 'askings', instead: 'polls' },
  { words: 'goes with no', instead: 'cannot be combined with' },
  { words: 'say one of the two', instead: 'cannot be combined with' }
]

/** Names that say how something is known, not what it is. */
export const FORBIDDEN_NAMES: readonly Forbidden[] = [
  { words: 'told', instead: 'entries, reported, shown' },
  { words: 'said', instead: 'output, result, message, noticesOf' },
  { words: 'foretell', instead: 'computeForecast' }
]

/** The pattern of words; white space and the stars of a comment may stand between them. */
export const patternOf = ({ words }: Forbidden): RegExp =>
  new RegExp(
    `(?<![\\w-])${words.replaceAll(/[.()]/g, '\\$&').replaceAll('*', '\\w*').replaceAll(' ', '[\\s*/]+')}(?![\\w-])`,
    'gi'
  )
