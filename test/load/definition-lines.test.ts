import tap from 'tap'
import { definitionLine, exportLine } from '../../core/load/define/definition-line.ts'
import { tokensFrom } from '../../core/load/define/tokens.ts'
import { setup } from './task-files.ts'

const LIST = `import type { TaskDefinition } from 'offpeak'
// export const TASK_DEFINITIONS = [{ id: 'no' }]
const text = \`\${{ a: '}' }.a} export const TASK_DEFINITIONS = [\`
const quote = /["'\`\\/[]{]/.test('a') ? 4 / 2 : '\\'{'
const args = { hour: 3 }
const nightly: TaskDefinition = {
  id: 'nightly',
  func () { return [1, { id: 'inner' }] },
  trigger_args: args,
  tags: [
    'a',
    'b'
  ]
}

export const TASK_DEFINITIONS: readonly TaskDefinition[] = ([
  nightly,
  {
    ...nightly, // a comment, with { brackets
    'id': "second",
    async func (ctx: Record<string, string>) { return ctx },
    input: { type: 'object', properties: { a: {
      type: 'number' } } },
    timeout:
      '3x'
  },
  make('third'),
  { id: other, func: () => 1 }
] as const) satisfies unknown
`

const lineIn = (text: string, pointer: string, id: string, member: string) =>
  definitionLine({ text, pointer, id, member })

tap.test('the line of each member is found, in literals and through variables', t => {
  const first = (member: string) => lineIn(LIST, '/TASK_DEFINITIONS/0', 'nightly', member)
  t.strictSame(
    ['/id', '/func', '/trigger_args/hour', '/trigger_args/minute', '/tags/1', '/tags/9', '/timeout', ''].map(first),
    [7, 8, 5, 5, 12, 10, 6, 6]
  )
  const second = (member: string) => lineIn(LIST, '/TASK_DEFINITIONS/1', 'second', member)
  t.strictSame(['/id', '/func', '/input/properties/a/type', '/timeout', '/queue'].map(second), [20, 21, 23, 25, 18])
  t.equal(lineIn(LIST, '/TASK_DEFINITIONS/3', 'any', '/func'), 28, 'an id that is computed')
  t.end()
})

tap.test('what a file computes has no line, nor has what is another task', t => {
  t.equal(lineIn(LIST, '/TASK_DEFINITIONS/2', 'third', '/id'), undefined)
  t.equal(lineIn(LIST, '/TASK_DEFINITIONS/1', 'nightly', '/id'), undefined)
  t.equal(lineIn(LIST, '/TASK_DEFINITIONS/7', 'x', '/id'), undefined)
  t.equal(lineIn(LIST, '/default', 'x', '/id'), undefined)
  const spread = "export const TASK_DEFINITIONS = [...others, { id: 'a' }]"
  t.equal(lineIn(spread, '/TASK_DEFINITIONS/1', 'a', '/id'), undefined, 'the length of a spread is unknown')
  t.equal(lineIn('export const TASK_DEFINITIONS = list.map(id => ({ id }))', '/TASK_DEFINITIONS/0', 'a', ''), undefined)
  t.equal(lineIn('const a = b\nconst b = a\nexport default a', '/default', 'a', '/id'), undefined, 'a circle')
  t.equal(lineIn(`${' '.repeat(2 ** 20)}export default { id: 'a' }`, '/default', 'a', '/id'), undefined, 'a huge file')
  t.end()
})

tap.test('a default export has lines too', t => {
  t.equal(lineIn("\nexport default {\n  id: 'a',\n  timeout: 3 }", '/default', 'a', '/timeout'), 4)
  t.equal(lineIn("const task = {\n id: 'a' }\nexport default task", '/default', 'a', '/id'), 2)
  t.equal(lineIn("export default [\n{ id: 'a' },\n{ id: 'b' }]", '/default/1', 'b', '/id'), 3)
  t.equal(exportLine('\n\nexport default 4', 'default'), 3)
  t.equal(exportLine('\nexport const TASK_DEFINITIONS = 4', 'TASK_DEFINITIONS'), 2)
  t.end()
})

tap.test('tokens of text that is not code end', t => {
  for (const text of ['`${', '`', "'", '"a\n', '/[', '/*', '`${`${', '\\', '🙂', '{[(', '#!/bin/sh\n', '}])']) {
    t.ok([...tokensFrom(text)].length <= text.length, text)
  }
  t.end()
})

tap.test('faults of definitions name file and line', async t => {
  const { folder, broken } = setup(t, {
    'a.ts': `export const TASK_DEFINITIONS = [{
      id: 'a',
      func: () => 1,
      timeout: 'soon',
      max_retries: -1
    }]`,
    'b.ts': `const id: string = 'b'
      export default {
        id,
        trigger: 'cron',
        trigger_args: {
          hour: 99
        },
        func () {}
      }`,
    'c.mjs': `export const TASK_DEFINITIONS = [
      { id: 'c', func () {} },
      { id: 'c',
        func () {} },
      { id: 'd' }
    ]`,
    'e.ts': '\nexport default 3\n',
    'f.ts': "const of = (id: string) => ({ id })\nexport const TASK_DEFINITIONS = ['f'].map(of)\n"
  })
  await folder.start()
  t.match(broken(), [
    { file: 'a.ts', line: 5, errors: [{ line: 5 }, { pointer: '/TASK_DEFINITIONS/0/timeout', line: 4 }] },
    { file: 'b.ts', line: 6, pointer: '/default/trigger_args/hour' },
    { file: 'c.mjs', line: 3, code: 'OFFPEAK_TASK_DUPLICATE' },
    { file: 'c.mjs', line: 5, pointer: '/TASK_DEFINITIONS/2/func' },
    { file: 'e.ts', line: 2, pointer: '/default' },
    { file: 'f.ts', line: undefined, pointer: '/TASK_DEFINITIONS/0/func' }
  ])
})
