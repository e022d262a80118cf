import type { Class } from '../task/constraint.ts'
import type { Config } from '../config/config.ts'
import type { Task } from '../task/task.ts'

/** A class and the word that decided: `type sync`, `keyword backup in description`, `named so`, `no word`. */
export interface Classed { class: Class, because: string }

type Worded = Pick<Task, 'id' | 'name' | 'description' | 'type' | 'tags' | 'class'>
type Rules = Config['classification']

const ORDER = ['critical', 'charging_only', 'background'] as const
const NEGATION = /(?:^| )(?:not|non|no|never) $/

const plain = (text: string) => text === '' ? '' : text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, ' ').trim()

/** True when a word of the text begins with the keyword, and none before it takes it back. */
function says (text: string, keyword: string): boolean {
  for (let at = text.indexOf(keyword); at >= 0; at = text.indexOf(keyword, at + 1)) {
    const before = text.slice(0, at)
    if ((before === '' || before.endsWith(' ')) && !NEGATION.test(before)) return true
  }
  return false
}

/** Keywords beside the words that are looked for; `any` tells at once when none of them can be there. */
interface Spelled { words: [keyword: string, words: string][], any: RegExp | null }

const spelled = new WeakMap<readonly string[], Spelled>()

function wordsOf (keywords: readonly string[]): Spelled {
  let known = spelled.get(keywords)
  if (known !== undefined) return known
  const words = keywords.map((keyword): [string, string] => [keyword, plain(keyword)]).filter(([, text]) => text !== '')
  known = { words, any: words.length === 0 ? null : new RegExp(`(?:^| )(?:${words.map(([, text]) => text).join('|')})`) }
  spelled.set(keywords, known)
  return known
}

type Places = [place: string, text: string][]

const placesOf = ({ tags, description, name, id }: Worded): Places =>
  [['tags', tags.map(plain).join(' . ')], ['description', plain(description)], ['name', plain(name)], ['id', plain(id)]]

function keywordIn (places: Places, keywords: readonly string[]): string | null {
  const { words, any } = wordsOf(keywords)
  for (const [place, text] of places) {
    const found = any?.test(text) ? words.find(([, word]) => says(text, word)) : undefined
    if (found !== undefined) return `keyword ${found[0]} in ${place}`
  }
  return null
}

function classed (task: Worded, rules: Rules): Classed {
  if (task.class !== null) return { class: task.class, because: 'named so' }
  const type = task.type.toLowerCase()
  const places = placesOf(task)
  for (const name of ORDER) {
    const { types, keywords } = rules[name]
    if (types.includes(type)) return { class: name, because: `type ${type}` }
    const because = keywordIn(places, keywords)
    if (because !== null) return { class: name, because }
  }
  return { class: 'normal', because: 'no word' }
}

const answers = new WeakMap<Rules, WeakMap<Worded, Classed>>()

/** The class of a task and which word decided; `class` in its definition wins. Types are compared whole, keywords with the beginnings
 *  of words, the most urgent class first. */
export function classify (task: Worded, { classification: rules }: Pick<Config, 'classification'>): Classed {
  let known = answers.get(rules)
  if (known === undefined) {
    known = new WeakMap()
    answers.set(rules, known)
  }
  const before = known.get(task)
  if (before !== undefined) return before
  const answer = classed(task, rules)
  known.set(task, answer)
  return answer
}
