import t from 'tap'
import { gate, harness } from './harness.ts'
import { until } from '../clock.ts'

t.test('cancel ends a queued run at once and asks a running one to stop', async t => {
  const busy = gate()
  const { desk, reach, engine } = await harness(t, { tasks: [{ work: { kind: 'function', func: busy.func } }] })
  const later = await desk.enqueue('work', { delay: '1h' })
  t.match(await desk.cancel(later.run.id, { by: 'anna' }), {
    state: 'cancelled',
    reason: { code: 'cancelled', by: 'anna' }
  })
  const now = await desk.enqueue('work')
  await until('it runs', () => busy.started.length === 1)
  await desk.cancel(now.run.id, { by: 'anna', message: 'wrong folder' })
  t.match(await reach(now.run.id, 'cancelled'), { reason: { code: 'cancelled', message: 'wrong folder', by: 'anna' } })
  await t.rejects(desk.cancel(now.run.id, { by: 'anna' }), { code: 'OFFPEAK_RUN_CONFLICT' })
  await t.rejects(desk.cancel('00000000000', { by: 'anna' }), { code: 'OFFPEAK_RUN_NOT_FOUND' })
  t.match(await engine.records({ limit: 5 }), [{ by: 'anna', action: 'cancel', subject: now.run.id }, {
    subject: later.run.id
  }])
})

t.test('stop gives the attempt back, so that no retry is spent', async t => {
  const busy = gate()
  const { desk, close, ...first } = await harness(t, {
    tasks: [{ max_retries: 0, work: { kind: 'function', func: busy.func } }]
  })
  const { run } = await desk.enqueue('work')
  await until('it runs', () => busy.started.length === 1)
  await first.runner.stop()
  t.match(await first.engine.get(run.id), {
    state: 'queued',
    attempt: 0,
    turn: 1,
    crashes: 0,
    reason: { code: 'stopping' }
  })
  await close()
})

t.test('stop waits for running runs within the grace [F04]', async t => {
  const busy = gate()
  const { desk, runner, engine } = await harness(t, {
    stopGraceMs: 5000,
    tasks: [{ work: { kind: 'function', func: busy.func } }]
  })
  const { run } = await desk.enqueue('work')
  await until('it runs', () => busy.started.length === 1)
  const stopped = runner.stop()
  busy.letGo()
  await stopped
  t.match(await engine.get(run.id), { state: 'completed', result: 'let go' })
})

t.test('no run is claimed after a stop [F04]', async t => {
  const { desk, runner, engine } = await harness(t)
  await runner.stop()
  const { run } = await desk.enqueue('work')
  runner.wake()
  await runner.settled()
  t.equal((await engine.get(run.id))!.state, 'queued')
})
