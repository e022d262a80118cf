import t from 'tap'
import { whenWords, whyWords } from '../../core/cli/terminal/run-words.ts'
import { agoWords, timeWords, zonedWords } from '../../core/cli/terminal/time-words.ts'
import { faultWords, plain } from '../../core/cli/terminal/output.ts'
import { progressWords } from '../../core/cli/terminal/follow.ts'
import { table, widthOf } from '../../core/cli/terminal/table.ts'

const PROGRESS = {
  current: 5,
  total: 10,
  message: 'a.txt',
  unit: 'files',
  rate: 1,
  percentage: 50,
  eta: 5,
  at: '2026-11-22T00:00:00.000Z'
}

t.test('columns are aligned by what a terminal shows', async t => {
  const lines = table(['A', 'B'], [['x', '1'], ['日本', '2'], ['🎉', '3']]).split('\n')
  t.same(lines.map(line => widthOf(line.slice(0, -1))), [6, 6, 6, 6])
  t.equal(table(['A'], [['with\nnewline\u001b[31m']]).split('\n').length, 2, 'a cell is one line of text')
})

t.test('the widest column is cut to the width of the terminal', async t => {
  const lines = table(['ID', 'WHY'], [['one', 'w'.repeat(200)]], 40).split('\n')
  t.ok(lines.every(line => widthOf(line) <= 40))
  t.match(lines[1], /^one {2}w+…$/)
})

t.test('progress is a bar when the total is known, and a count otherwise', async t => {
  t.equal(progressWords({ progress: PROGRESS, label: 'running' }),
    `[${'#'.repeat(12)}${' '.repeat(12)}] 50 % 5/10 files, 5 s left: a.txt`)
  t.equal(
    progressWords({
      progress: { ...PROGRESS, total: null, percentage: null, eta: null, message: null },
      label: 'running'
    }),
    '5 files'
  )
  t.equal(
    progressWords({
      progress: { ...PROGRESS, stage: 'copying', total: null, percentage: null, message: null },
      label: 'running'
    }),
    '5 files (copying), 5 s left'
  )
  t.equal(progressWords({ progress: null, label: 'queued' }), 'queued')
})

t.test('instants are shown in words', async t => {
  const now = Date.parse('2026-11-22T10:00:00Z')
  t.equal(agoWords('2026-11-22T12:30:00Z', now), 'in 2 h 30 m')
  t.equal(agoWords('2026-11-22T09:59:56Z', now), '4 s ago')
  t.equal(agoWords(null, now), '-')
  t.match(timeWords('2026-11-20T10:00:00Z', now), /^2026-11-\d\d \d\d:\d\d:00$/)
})

t.test('an instant is shown in two zones when their clocks differ', async t => {
  const at = '2026-11-22T10:00:00.000Z'
  const here = timeWords(at, 0)
  t.equal(zonedWords(at, Temporal.Now.timeZoneId(), 0), here)
  t.equal(zonedWords(at, null, 0), here)
  t.equal(zonedWords(null, 'UTC'), '-')
  const [ahead, behind] = ['Pacific/Kiritimati', 'Etc/GMT+12'].map(zone => zonedWords(at, zone, 0))
  t.ok([`${here} (2026-11-23 00:00:00 in Pacific/Kiritimati)`, here].includes(ahead!))
  t.ok([`${here} (2026-11-21 22:00:00 in Etc/GMT+12)`, `${here} (22:00:00 in Etc/GMT+12)`, here].includes(behind!))
})

t.test('a run shows why it is in its state, and when it is due', async t => {
  const error = { name: 'Error', message: 'no route' }
  const reason = { code: 'cancelled', message: 'not needed' }
  const quiet = { held: null, warning: null }
  t.equal(whyWords({ ...quiet, state: 'cancelled', error, reason }), 'not needed', 'an attempt had failed before')
  t.equal(whyWords({ ...quiet, state: 'failed', error, reason }), 'no route')
  t.equal(whyWords({ ...quiet, state: 'blocked', error: null, reason: null }), 'waits for other runs')
  const started = '2020-01-01T00:00:00.000Z'
  const due = '2020-02-02T00:00:00.000Z'
  t.equal(whenWords({ state: 'queued', started_at: started, due_at: due }), timeWords(due), 'it was tried before')
  t.equal(whenWords({ state: 'completed', started_at: started, due_at: due }), timeWords(started))
})

t.test('a fault says its place once', async t => {
  const words = (where: string | null, message: string) => faultWords({ where, message })
  t.equal(words('/a/c.json:7:3 /sever', '/a/c.json: /sever unknown key'), '/a/c.json:7:3 /sever: unknown key')
  t.equal(words('b.ts:1', 'b.ts cannot be read'), 'b.ts:1: cannot be read')
  t.equal(words('b.ts', 'b.tsx differs'), 'b.ts: b.tsx differs')
  t.equal(words(null, 'no place'), 'no place')
})

t.test('text from others cannot control the terminal', async t => {
  t.equal(plain('a\u001b[2J\u0007b\u202ec\n\td'), 'a\\u001b[2J\\u0007b\\u202ec\n\td')
})
