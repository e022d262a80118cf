import t from 'tap'
import { HOSTILE } from '../hostile.ts'
import { ACTS, SLOW, isText, setup } from './hostile-tasks.ts'

t.test('whatever a task returns or throws inline, its attempt ends with bounded words [F31] [F32]', SLOW, async t => {
  const { ended } = await setup(t)
  const asks = ACTS.flatMap(act => Object.keys(HOSTILE).map(name => ({ act, name })))
  await Promise.all(asks.map(async ({ act, name }) => {
    const run = await ended(`${act}.inline`, { name })
    const what = `${act} ${name}`
    if (run.state === 'failed') t.ok(isText(run.error?.message), `${what}: ${run.error?.message}`)
    if (act === 'throws' || act === 'fails') t.equal(run.state, 'failed', what)
    t.ok(JSON.stringify(run).length < 350_000, what)
  }))
  t.notOk('polluted' in {}, 'and nothing is polluted')
})

t.test('every method of the context takes whatever a task gives it inline [F25] [F31]', SLOW, async t => {
  const { ended, manager } = await setup(t)
  const run = await ended('methods.inline', { of: 1 })
  t.match(run, { state: 'completed', result: true })
  const lines = await manager.desk.logs({ id: run.id, after: 0, limit: 5000 })
  t.ok(lines.length > 20 && lines.every(line => JSON.stringify(line).length < 100_000))
  t.match(await ended('fine', null), { state: 'completed' })
})
