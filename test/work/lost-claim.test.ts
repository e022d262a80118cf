import t from 'tap'
import { harness } from './harness.ts'
import { until } from '../clock.ts'

t.test('a run whose claim response is lost is found by the next beats and executed [F14]', async t => {
  const { desk, reach, engine, runner } = await harness(t, { tasks: [{ work: { kind: 'function', func: () => 1 } }] })
  await runner.renew()
  const { claim } = engine
  engine.claim = async ask => {
    await claim(ask)
    engine.claim = claim
    throw new Error('the line is dead')
  }
  const { run } = await desk.enqueue('work')
  await until('it is claimed', async () => (await engine.get(run.id))!.state === 'running')
  await runner.settled()
  for (let beat = 0; beat < 2; beat++) await runner.renew()
  t.match(await reach(run.id, 'completed'), { turn: 2, attempt: 1 })
})
