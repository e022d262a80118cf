type Plain = Record<string, unknown>

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)

function without (item: unknown, members: readonly string[]): unknown {
  if (!isPlain(item)) return item
  const withheld = members.filter(member => item[member] !== undefined && item[member] !== null)
  return { ...item, ...Object.fromEntries(withheld.map(member => [member, null])), withheld }
}

/** A response without its private members: in an object, in each item of a list, or in each item of a page. They are
 *  null, and `withheld` lists their names. */
export function withhold (answer: unknown, members: readonly string[]): unknown {
  if (Array.isArray(answer)) return answer.map(item => without(item, members))
  if (!isPlain(answer)) return answer
  for (const name of ['items', 'runs']) {
    if (Array.isArray(answer[name])) return { ...answer, [name]: answer[name].map(item => without(item, members)) }
  }
  return without(answer, members)
}
