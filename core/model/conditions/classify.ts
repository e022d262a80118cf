import { keywordsOf, plain, says } from './spelling.ts'
import type { Class, Constraints } from '../task/constraint.ts'
import type { Config } from '../config/config.ts'
import type { Keyword } from './spelling.ts'
import type { Task } from '../task/task.ts'

/** A class and the word that decided: `type sync`, `keyword backup in description`, `set explicitly`, `no keyword`. */
export interface Classed {
  class: Class
  because: string
}

type Worded = Pick<Task, 'id' | 'name' | 'description' | 'type' | 'tags' | 'class'> & Partial<Pick<Task, 'constraints'>>
type Rules = Config['classification']

const SAFETY = ['disk_free', 'temperature_below']
const ORDER = ['critical', 'charging_only', 'background'] as const

const compiled = new WeakMap<readonly string[], Keyword[]>()

function compiledOf (keywords: readonly string[]): Keyword[] {
  const known = compiled.get(keywords)
  if (known !== undefined) return known
  const found = keywordsOf(keywords)
  compiled.set(keywords, found)
  return found
}

type Places = [place: string, text: string][]

const placesOf = (
  { tags, description, name, id }: Worded
): Places => [['tags', tags.map(plain).join(' . ')], ['description', plain(description)], ['name', plain(name)], ['id',
  plain(id)]]

function keywordIn (places: Places, keywords: readonly string[]): string | null {
  for (const [place, text] of places) {
    const found = text === '' ? undefined : compiledOf(keywords).find(one => says(text, one))
    if (found !== undefined) return `keyword ${found.keyword} in ${place}`
  }
  return null
}

/** Whether the task has constraints that critical work would bypass. Only gates read the values: they report one that
 *  throws. */
const hasConditions = (constraints: Constraints): boolean =>
  Object.keys(constraints).some(name =>
    name === 'power'
      ? constraints.power !== 'any'
      : name === 'idle'
      ? constraints.idle !== false
      : !SAFETY.includes(name)
  )

function classed (task: Worded, rules: Rules): Classed {
  if (task.class !== null) return { class: task.class, because: 'set explicitly' }
  const type = task.type.toLowerCase()
  const places = placesOf(task)
  let passedOver: string | null = null
  for (const name of ORDER) {
    const { types, keywords } = rules[name]
    const because = types.includes(type) ? `type ${type}` : keywordIn(places, keywords)
    if (because === null) continue
    // A keyword never overrides a constraint in the definition; an explicit class or priority does.
    if (name !== 'critical' || !hasConditions(task.constraints ?? {})) return { class: name, because }
    passedOver = because
  }
  return { class: 'normal', because: passedOver === null ? 'no keyword' : `${passedOver} overrides no constraint` }
}

const answers = new WeakMap<Rules, WeakMap<Worded, Classed>>()

/** The class of a task and what decided it; `class` in its definition wins. Types match whole, keywords match the
 *  beginnings of words; the most urgent class is tried first. */
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
