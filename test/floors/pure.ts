import type { House, Rule } from './house.ts'

const CLOCK = 'core/model/base/clock.ts'
const SOURCES_OF_TIME =
  /\bDate\.now\b|\bnew Date(?:\(\)|(?![\w(]))|\bperformance\.|\bTemporal\.Now\b|\bset(?:Timeout|Interval|Immediate)\(/
const CHANCE = /\bMath\.random\b|\bcrypto\./
const IO = /from 'node:(?!util)|\bimport\('node:|\bprocess\.(?=\w+[.[(])|\bfetch\(/
const IMPURE = new RegExp([SOURCES_OF_TIME, CHANCE, IO].map(({ source }) => source).join('|'))

const modelIsPure: Rule = {
  name: 'the model has no clock, no chance and no I/O of its own',
  teaches: `time, random numbers and what is read come in as arguments; ${CLOCK} alone reads the clock`,
  found: ({ files, text }) =>
    files.filter(file => file.startsWith('core/model/') && file !== CLOCK).flatMap(file => {
      const at = IMPURE.exec(text(file))
      return at === null ? [] : [`${file} has ${at[0].trim()}`]
    })
}

const filesAreNamedAfterWhatTheyAre: Rule = {
  name: 'no file or folder is named for being useful',
  teaches: 'a file is named after what it exports: not utils, common, helpers, types, misc or lib',
  found: ({ files }) => files.filter(file => /(^|\/)(utils?|common|helpers?|types?|misc|lib)(\.|\/)/.test(file))
}

const ROOM = 'core/model/gates/'
const LIST = `${ROOM}gates.ts`
const GATE = /^export const (\w+): Gate = /gm
const LISTED = /\{ gate: (\w+), kind: /g
/** A second list by hand is one of as many names of gates as this. */
const SECOND_LIST = 8

const namesIn = (pattern: RegExp, { files, text }: House): string[] =>
  files.filter(file => file.startsWith('core/model/')).flatMap(file =>
    [...text(file).matchAll(pattern)].map(([, name]) => name!)
  )

/** Files of the folder of gates that export no gate of the list. */
const filesWithout = ({ files, text }: House, listed: readonly string[]): string[] =>
  files.filter(file => file.startsWith(ROOM) && file !== LIST).filter(file => {
    const names = [...text(file).matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name!)
    return !/^export const \w+: Gate = /m.test(text(file)) && !names.some(name => listed.includes(name))
  }).map(file => `of ${file}`)

/** The arrays of a text that name many gates as strings. */
function secondLists (text: string, gates: ReadonlySet<string>): string[] {
  const arrays = [...text.matchAll(/\[([^[\]]*)\]/g)].map(([, inside]) => inside!)
  return arrays.filter(inside => {
    const named = [...inside.matchAll(/'(\w+)'/g)].filter(([, name]) => gates.has(name!))
    return named.length >= SECOND_LIST
  })
}

const gatesAreListedOnce: Rule = {
  name: 'every gate is listed once',
  teaches:
    'GATES in core/model/gates/gates.ts is the one list of the gates and their order: add the gate there, and derive ' +
    'any other list from it',
  found: house => {
    const listed = namesIn(LISTED, house)
    const gates = [...namesIn(GATE, house), ...filesWithout(house, listed)]
    const times = (name: string) => listed.filter(other => other === name).length
    const odd = gates.filter(name => times(name) !== 1).map(name => `the gate ${name} is listed ${times(name)} times`)
    const second = house.files.filter(file => secondLists(house.text(file), new Set(gates)).length > 0)
    return [...odd, ...second.map(file => `${file} has a second list of names of gates`)]
  }
}

/** The rules of what stands in the files. */
export const PURE_RULES: readonly Rule[] = [modelIsPure, filesAreNamedAfterWhatTheyAre, gatesAreListedOnce]
