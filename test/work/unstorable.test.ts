import t from 'tap'
import { harness } from './harness.ts'
import { isSettled } from '../settled.ts'
import { until } from '../clock.ts'

t.test('an outcome that cannot be stored is stored as a failed attempt [F31]', async t => {
  const { engine, desk, noticesOf, notices } = await harness(t, {
    tasks: [{ id: 'odd', max_retries: 0, work: { kind: 'function', func: () => 'mine' } }]
  })
  const settle = engine.settle.bind(engine)
  let tried = 0
  engine.settle = async settlement => {
    if (tried++ === 0) throw new TypeError('Converting circular structure to JSON')
    return await settle(settlement)
  }
  const { run: { id } } = await desk.enqueue('odd')
  await until('it is over', () => isSettled(notices, id) && noticesOf('settled').length === 1)
  t.match(await engine.get(id), {
    state: 'failed',
    error: { name: 'TypeError', message: 'Converting circular structure to JSON' }
  })
})

t.test('a generator function fails with the message that none of it was executed [F27]', async t => {
  let begun = 0
  const { engine, desk, reach } = await harness(t, {
    tasks: [{
      id: 'yields',
      work: {
        kind: 'function',
        func: async function* () {
          yield begun++
        }
      }
    }]
  })
  const { run: { id } } = await desk.enqueue('yields')
  await reach(id, 'failed')
  t.match(await engine.get(id), { error: { message: /The function is a generator and was not executed/ } })
  t.equal(begun, 0)
})
