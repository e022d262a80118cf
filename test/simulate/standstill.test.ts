import t from 'tap'
import { createTestManager } from '../../core/index.ts'
import type { Notice, TaskDefinition, TestManagerOptions } from '../../core/index.ts'

const func = () => 1
const BUSY: TestManagerOptions['reading'] = { power: 'battery', battery: { level: 20, charging: false } }
const WORK: TaskDefinition = { id: 'work', trigger: '0 * * * *', func }

async function setup (t: { teardown(fn: () => unknown): void }, options: Partial<TestManagerOptions> = {}) {
  const kit = await createTestManager({ at: '2026-03-10T00:30:00Z', reading: BUSY, tasks: [WORK], ...options })
  t.teardown(() => kit.close())
  const notices: Extract<Notice, { kind: 'nothing_started' }>[] = []
  kit.manager.onNotice(notice => {
    if (notice.kind === 'nothing_started') notices.push(notice)
  })
  const reasons = async () => (await kit.manager.health()).reasons.filter(reason => reason.startsWith('nothing'))
  return { kit, notices, reasons }
}

t.test('health and one notice report that nothing has started for six hours although runs are due', async t => {
  const { kit, notices, reasons } = await setup(t)
  await kit.advance('6h 20m')
  t.strictSame([notices, await reasons()], [[], []], 'the first run has been due for less')
  await kit.advance('20m')
  t.match(notices, [{ tasks: 1, task: 'work', message: 'on battery (20 %), normal work needs 30 %' }])
  t.match(await reasons(), [
    /^nothing has started for 6 h.* although runs of a task are due, 'work' first: on battery \(20 %\)/
  ])
  await kit.advance('3h')
  t.equal(notices.length, 1, 'once')
  await kit.plug()
  t.strictSame(await reasons(), [], 'a run has started')
  await kit.unplug(20)
  await kit.advance('9h')
  t.equal(notices.length, 2, 'again for the next time')
})

t.test('scheduling.nothing_started is the span, and 0 turns the notice off', async t => {
  const short = await setup(t, { config: { scheduling: { nothing_started: '1h' } } })
  await short.kit.advance('1h 40m')
  t.equal(short.notices.length, 1)
  const never = await setup(t, { config: { scheduling: { nothing_started: 0 } } })
  await never.kit.advance('20h')
  t.strictSame([never.notices, await never.reasons()], [[], []])
})

const QUIET: [string, Partial<TestManagerOptions>][] = [
  ['no run is due', { tasks: [{ id: 'work', func }] }],
  ['a run waits for its hours', {
    reading: {},
    tasks: [{ ...WORK, trigger: '0 1 * * *', constraints: { window: '20:00-22:00' } }]
  }],
  ['other runs start', { tasks: [WORK, { id: 'watch', class: 'critical', trigger: '*/30 * * * *', func }] }]
]

for (const [what, options] of QUIET) {
  t.test(`there is no notice while ${what}`, async t => {
    const { kit, notices } = await setup(t, options)
    await kit.advance('15h')
    t.strictSame(notices, [])
  })
}
