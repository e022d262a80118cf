import t from 'tap'
import { ownFrame } from '../../core/model/errors/own-frame.ts'
import { failureOf } from '../../core/model/run/failure.ts'
import { nearest } from '../../core/model/base/nearest.ts'

const CORE = new URL('../../core/', import.meta.url).href
const stackOf = (...frames: string[]) => ['Error: it broke', ...frames.map(frame => `    at ${frame}`)].join('\n')

t.test('the first frame in code of the user is named by file, line and column', async t => {
  const cases: [string[], string | undefined][] = [
    [['func (file:///srv/tasks/throws.ts:1:120)'], 'throws.ts:1:120'],
    [['func (file:///srv/tasks/throws.ts?v=0a1b:1:120)'], 'throws.ts:1:120'],
    [['file:///srv/tasks/throws.ts:3:4'], 'throws.ts:3:4'],
    [['async Object.func [as x] (/srv/tasks/common.cjs:3:4)'], 'common.cjs:3:4'],
    [['f (C:\\tasks\\win.ts:3:4)'], 'win.ts:3:4'],
    [['f (file:///srv/my%20tasks/a%20b.ts:3:4)'], 'a b.ts:3:4'],
    [['node:internal/fs:1:2', 'open (node:fs:3:4)', 'get (file:///srv/node_modules/got/index.js:5:6)',
      `worked (${CORE}work/execute/attempt.ts:1:2)`, 'mine (file:///srv/tasks/mine.ts:7:8)'], 'mine.ts:7:8'],
    [['node:internal/fs:1:2', `worked (${CORE}work/execute/attempt.ts:1:2)`], undefined],
    [['<anonymous>', 'eval at <anonymous> (native)'], undefined],
    [[], undefined]
  ]
  for (const [frames, at] of cases) t.equal(ownFrame(stackOf(...frames)), at, frames.join(' '))
})

t.test('a failure has it, and one without a stack has not', async t => {
  const error = Object.assign(new Error('it broke'), { stack: stackOf('f (file:///srv/tasks/a.ts:1:2)') })
  t.match(failureOf(error), { message: 'it broke', at: 'a.ts:1:2' })
  t.notOk('at' in failureOf('it broke'))
})

t.test('two letters that have changed places are one mistake', async t => {
  t.equal(nearest('hedl', ['held', 'failed']), 'held')
  t.equal(nearest('ehco', ['echo']), 'echo')
  t.equal(nearest('xxxx', ['held', 'failed']), null)
})
