import t from 'tap'
import { endOf, blockWarning, blockWords, pastBlockWords } from '../../core/model/view/loop-block.ts'

const NOBODY_ASKED = { ms: 60_000, askedMs: null, asked: 0, graceMs: 20_000, limitMs: 900_000 }

t.test('a loop that stands ends its process when its grace is over, at a second signal, and at the limit', async t => {
  t.equal(endOf(NOBODY_ASKED), null)
  t.equal(endOf({ ...NOBODY_ASKED, asked: 1, askedMs: 19_999 }), null, 'within the grace it may let go')
  t.equal(endOf({ ...NOBODY_ASKED, asked: 1, askedMs: 20_000 }), 'stop')
  t.equal(endOf({ ...NOBODY_ASKED, asked: 2, askedMs: 0 }), 'stop', 'a second signal means at once')
  t.equal(endOf({ ...NOBODY_ASKED, ms: 900_000 }), 'limit')
  t.equal(endOf({ ...NOBODY_ASKED, ms: 9e9, limitMs: 0 }), null, '0 is no limit')
})

t.test('who holds the loop is named as far as it is known, and to whom may know it', async t => {
  const [one, other] = [{ id: 'r1', task: 'spin' }, { id: 'r2', task: 'long' }]
  const stand = { ms: 4200, runs: [one], exact: true, where: '/tasks/a.ts:3' }
  t.equal(blockWords(stand),
    "the event loop has been blocked for 4 s: run r1 of task 'spin' blocks it at /tasks/a.ts:3, " +
      'and nothing else runs meanwhile')
  t.notMatch(blockWords(stand, 'unnamed'), /r1|spin|tasks/)
  t.match(blockWords({ ...stand, runs: [one, other], exact: false, where: null }),
    /one of 2 inline runs, run r1 of task 'spin' first, blocks it/)
  t.match(blockWords({ ...stand, runs: [] }), /something other than a run blocks it/)
  t.match(pastBlockWords({ ...stand, at: 0 }),
    /blocked for 4 s: run r1 of task 'spin' blocked it at \/tasks\/a.ts:3; use isolation/)
  t.match(blockWarning(61_000), /blocked the event loop for 1 m 1 s: use isolation/)
})
