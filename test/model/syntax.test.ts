import t from 'tap'
import { jsonFault } from '../../core/model/base/syntax.ts'

t.test('the fault of a text that is not JSON has its place', async t => {
  const cases: [string, number, number][] = [
    ['{"a": tru}', 1, 10],
    ['{\n  "a": 1,\n  b\n}', 3, 3],
    ['', 1, 1],
    ['{"a": 1', 1, 8],
    ['[1, 2', 1, 6],
    ['"open', 1, 6],
    ['{"a": 1}}', 1, 9],
    ['[1,\n2,\n]', 3, 1],
    ["{'a': 1}", 1, 2],
    [`[${'1, '.repeat(500)}nope]`, 1, 1503],
    ['[1, -]', 1, 6],
    ['[01]', 1, 3],
    ['["a\\q"]', 1, 5],
    ['undefined', 1, 1],
    ['{"long": "text that is long enough to be cut in the message", bad}', 1, 63]
  ]
  for (const [text, line, column] of cases) {
    const fault = jsonFault(text)
    t.match(fault, { line, column, message: /^[A-Z]/ }, text.slice(0, 40))
    t.notMatch(fault!.message, /position|valid JSON/)
  }
  t.equal(jsonFault('{"a": [1, "two"]}'), null)
})

t.test('a fault in a long text has no place when the parser reports none', async t => {
  t.match(jsonFault(`["${'x'.repeat(2 ** 20)}", nope]`), { line: 0, column: 0, message: "Unexpected token 'o'" })
})
