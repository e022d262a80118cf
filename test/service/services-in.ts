/** A class or an object that has both start and stop. */
interface Found {
  /** The name of the class, or of the declaration around the object. */
  name: string
  isClass: boolean
  /** Whether the class states what it implements. */
  isStated: boolean
  /** Whether its stop does nothing. */
  isEmpty: boolean
}

/** Comments, strings, templates and regular expressions. */
const TEXTS = new RegExp([
  String.raw`\/\/[^\n]*`,
  String.raw`\/\*[\s\S]*?\*\/`,
  String.raw`'(?:[^'\\\n]|\\.)*'`,
  String.raw`"(?:[^"\\\n]|\\.)*"`,
  '`(?:[^`\\\\]|\\\\[\\s\\S])*`',
  String.raw`(?<=[(,=:[!&|?{};]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*`
].join('|'), 'g')

/** The source with every string and comment blank, at its length. */
const blank = (source: string): string => source.replaceAll(TEXTS, text => text.replaceAll(/[^\n]/g, ' '))

interface Block {
  at: number
  end: number
  /** Its text without that of inner braces, brackets and parentheses. */
  own: string
}

/** Every block in braces. */
function blocksOf (text: string): Block[] {
  const blocks: Block[] = []
  const open: { at: number, sign: string, own: string }[] = [{ at: 0, sign: '', own: '' }]
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!
    if ('}])'.includes(sign) && open.length > 1) {
      const block = open.pop()!
      if (block.sign === '{') blocks.push({ ...block, end: at })
    }
    open.at(-1)!.own += sign
    if ('{[('.includes(sign)) open.push({ at, sign, own: '' })
  }
  return blocks
}

const MODIFIER = String.raw`(?:(?:public|private|protected|readonly|override|async|static|abstract)\s+)*`
const isMember = (name: string) => new RegExp(String.raw`(?:^|[,;{}]|\n)\s*${MODIFIER}${name}\s*(?=[(=,]|$)`, 'm')
/** A property with a function, or with a name that may hold one. */
const isProperty = (name: string) =>
  new RegExp(String.raw`(?:^|[,{]|\n)\s*${name}\s*:\s*(?:async\b|function\b|\(|[A-Za-z_$][\w$.]*\s*(?:\(|=>|,|$))`, 'm')
const has = (own: string, name: string): boolean => isMember(name).test(own) || isProperty(name).test(own)

const EMPTY = /\bstop\s*(?::|=)\s*(?:async\s*)?\(\s*\)\s*=>\s*(?:undefined\b|\{\s*\})|\bstop\s*\(\s*\)[^{,]*\{\s*\}/

/** The name of the last declaration at the top level in front of a place. */
const nameAt = (before: string): string =>
  [...before.matchAll(/^(?:export )?(?:default )?(?:abstract |async )?(?:const|let|class|function\*?) (\w+)/gm)]
    .map(([, name]) => name!).at(-1) ?? 'default'

/** What stands since the last statement, declaration or block. */
const headOf = (before: string): string => /[^;{}]*$/.exec(before)![0].trim()

/** Types, lists of names, and the phases that a Lifecycle makes a service of. */
const IS_OTHER =
  /^(?:export\s+)?(?:declare\s+)?(?:interface|type)\s+\w|^(?:import|export)(?:\s+type)?$|\bnew Lifecycle\($/
/** What follows a pattern that takes an object apart. */
const PATTERN = /^\s*(?::\s*[\w{(]|=(?![=>]))/

/** What a source has that is started and stopped. */
export function servicesIn (source: string): Found[] {
  const text = blank(source)
  return blocksOf(text).flatMap(({ at, end, own }) => {
    if (!has(own, 'start') || !has(own, 'stop')) return []
    const before = text.slice(0, at)
    const head = headOf(before)
    const isClass = /\bclass\b/.test(head)
    if (!isClass && (IS_OTHER.test(head) || PATTERN.test(text.slice(end + 1)))) return []
    const name = /\bclass\s+(?!extends\b|implements\b)(\w+)/.exec(head)?.[1] ?? nameAt(before)
    return [{ name, isClass, isStated: /\bimplements\b/.test(head), isEmpty: EMPTY.test(text.slice(at, end)) }]
  })
}
