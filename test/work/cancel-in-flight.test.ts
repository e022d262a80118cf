import t from 'tap'
import { harness } from './harness.ts'
import { until } from '../clock.ts'

t.test('a run that is cancelled during its claim does not begin', async t => {
  const begun: string[] = []
  const it = await harness(t, {
    tasks: [{
      work: {
        kind: 'function',
        func: ({ run_id: id }) => {
          begun.push(id)
        }
      }
    }]
  })
  const { claim } = it.engine
  it.engine.claim = async ask => {
    const runs = await claim(ask)
    // The cancel is stored before the runner has received the claim.
    for (const { id } of runs) {
      t.match(await it.desk.cancel(id, { by: 'anna', message: 'not today' }), { cancel: { by: 'anna' } },
        'it is acknowledged')
    }
    return runs
  }
  const { run } = await it.desk.enqueue('work')
  await until('it is over', async () => ['completed', 'cancelled'].includes((await it.engine.get(run.id))!.state))
  t.match(await it.engine.get(run.id), {
    state: 'cancelled',
    reason: { code: 'cancelled', by: 'anna', message: 'not today' }
  })
  t.same(begun, [])
})
