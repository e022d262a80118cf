/** The text normalized for the search of keywords: lower case, letters and digits, one space between words; `n't`
 *  becomes `not`, and `urgent: no` becomes `not urgent`. */
export function plain (text: string): string {
  if (text === '') return ''
  return text.toLowerCase()
    .replaceAll(/n['\u2019]t\b/g, ' not')
    .replaceAll(/([\p{L}\p{N}_-]+)\s*[:=?]+\s*(?:no|none|false|never)(?=\s*(?:$|[.,;!)\n]))/gu, 'not $1')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ').trim()
}

/** Words that negate what follows them. */
const NEGATIONS = new Set([
  'not',
  'no',
  'non',
  'never',
  'nor',
  'neither',
  'without',
  'less',
  'least',
  'hardly',
  'barely',
  'scarcely',
  'rarely',
  'seldom',
  'nothing',
  'none',
  'zero',
  'un',
  'sub',
  'cannot',
  'isnt',
  'arent',
  'wasnt',
  'werent',
  'dont',
  'doesnt',
  'aint',
  'wont'
])
const PHRASES = /(?:^| )(?:anything but|far from|other than|rather than|free of|instead of) $/

/** Words that may stand between a negation and a keyword: `not at all critical`, `no longer very urgent`. */
const FILLERS = new Set([
  'a',
  'all',
  'an',
  'any',
  'anymore',
  'as',
  'at',
  'be',
  'being',
  'considered',
  'especially',
  'exactly',
  'in',
  'is',
  'it',
  'longer',
  'more',
  'need',
  'needs',
  'of',
  'overly',
  'particularly',
  'quite',
  'really',
  'remotely',
  'require',
  'requires',
  'so',
  'super',
  'terribly',
  'that',
  'the',
  'this',
  'time',
  'to',
  'too',
  'very',
  'way',
  'yet'
])
const CONJUNCTIONS = new Set(['or', 'nor', 'and'])
const FAR = 8

/** Whether the text before a word negates it. `nor` and `or` carry a negation on: `neither urgent nor critical`. */
function isNegated (before: string): boolean {
  if (PHRASES.test(`${before} `)) return true
  const words = before.split(' ').toReversed().slice(0, FAR)
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    if (NEGATIONS.has(word)) return true
    if (CONJUNCTIONS.has(word)) index++
    else if (!FILLERS.has(word)) return false
  }
  return false
}

/** The pattern of the spellings of a keyword: `clean up`, `backs up`, `real-time`, `analysing`, `caching`. */
function spellings (keyword: string): string {
  const ending = keyword.replace(/yze$/, 'y[sz]e').replace(/e$/, '(?:e|ing)')
  const apart = /^(real|re|pre|down)(?=\p{L}{3})/u.exec(keyword)
  const parted = apart === null ? [] : [`${apart[1]} ${ending.slice(apart[1]!.length)}`]
  const verb = /^(\p{L}{3,})up$/u.exec(keyword)
  return [ending, ...parted, ...verb === null ? [] : [`${verb[1]}(?:s|ed|ing)? up`]].join('|')
}

/** A keyword, and the pattern that finds it at the beginning of a word. */
export interface Keyword {
  keyword: string
  pattern: RegExp
}

/** The patterns of keywords; those without a letter or digit are left out. */
export const keywordsOf = (keywords: readonly string[]): Keyword[] =>
  keywords.flatMap(keyword => {
    const words = plain(keyword)
    return words === '' ? [] : [{ keyword, pattern: new RegExp(`(?<=^| )(?:${spellings(words)})`, 'gu') }]
  })

/** True when a word of a normalized text begins with the keyword and is not negated. */
export function says (text: string, { pattern }: Keyword): boolean {
  for (const { index } of text.matchAll(pattern)) if (!isNegated(text.slice(0, index).trim())) return true
  return false
}
