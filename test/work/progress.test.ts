import t from 'tap'
import { ProgressTracker } from '../../core/work/context/progress.ts'
import { fakeClock, until } from '../clock.ts'
import { gate, harness } from './harness.ts'
import { runView } from '../../core/model/view/run-view.ts'
import type { TaskContext } from '../../core/model/task/context.ts'

const setup = () => {
  const clock = fakeClock()
  return { clock, progress: new ProgressTracker(clock) }
}

t.test('percentage, rate and ETA are computed from the work done and the elapsed time', t => {
  const { clock, progress } = setup()
  progress.setTotal(200, 'files')
  clock.advance(10_000)
  progress.advance(50, 'a.txt')
  t.match(progress.take(), {
    current: 50,
    total: 200,
    unit: 'files',
    message: 'a.txt',
    percentage: 25,
    rate: 5,
    eta: 30
  })
  t.end()
})

t.test('the rate is smoothed: a pause lowers it without setting it to zero', t => {
  const { clock, progress } = setup()
  progress.setTotal(1000)
  clock.advance(10_000)
  progress.advance(100)
  t.equal(progress.read().rate, 10)
  clock.advance(5000)
  const { rate } = progress.read()
  t.ok(rate! > 5 && rate! < 10, `${rate} is between 5 and 10`)
  t.end()
})

t.test('without a total there is neither percentage nor ETA', t => {
  const { clock, progress } = setup()
  clock.advance(1000)
  progress.advance(3)
  t.match(progress.take(), { current: 3, total: null, percentage: null, eta: null })
  t.end()
})

t.test('each stage has its own total, rate and ETA', t => {
  const { clock, progress } = setup()
  progress.setStage('reading', 10, 'files')
  clock.advance(10_000)
  progress.advance(10, 'last.txt')
  t.match(progress.take(), { stage: 'reading', percentage: 100, rate: 1 })
  progress.setStage('writing')
  t.match(progress.take(), {
    stage: 'writing',
    current: 0,
    total: null,
    unit: null,
    message: null,
    rate: null,
    percentage: null
  })
  progress.setTotal(4)
  clock.advance(2000)
  progress.advance(1)
  t.match(progress.take(), { stage: 'writing', percentage: 25, rate: 0.5, eta: 6 })
  t.end()
})

t.test('without a rate the ETA is the time that earlier runs took less the elapsed time', t => {
  const { clock, progress } = setup()
  t.notOk(progress.wonders, 'no progress was set yet')
  progress.setTotal(200)
  t.ok(progress.wonders)
  progress.expect(60_000)
  t.notOk(progress.wonders)
  clock.advance(500)
  t.match(progress.read(), { rate: null, eta: 60 })
  clock.advance(9500)
  progress.advance(50)
  t.match(progress.read(), { rate: 5, eta: 30 }, 'the rate takes precedence')
  t.end()
})

t.test('a run without a total has the ETA of earlier runs until it takes longer', t => {
  const { clock, progress } = setup()
  progress.setMessage('asking')
  progress.expect(60_000)
  clock.advance(15_000)
  t.equal(progress.read().eta, 45)
  clock.advance(50_000)
  t.equal(progress.read().eta, null)
  t.end()
})

t.test('progress is returned only after a change, and a value above the total is 100 %', t => {
  const { progress } = setup()
  t.equal(progress.take(), null)
  progress.setTotal(10)
  progress.update(25)
  t.equal(progress.take()!.percentage, 100)
  t.equal(progress.take(), null)
  t.end()
})

t.test('invalid numbers are ignored', t => {
  const { progress } = setup()
  progress.update(4)
  progress.update(NaN)
  progress.setTotal(-1)
  t.match(progress.read(), { current: 4, total: null })
  t.end()
})

t.test('a run has an ETA from earlier completed runs', async t => {
  const { started, func, letGo } = gate()
  const asks = async (ctx: TaskContext) => {
    ctx.progress.setMessage('asking')
    return await func(ctx)
  }
  const it = await harness(t, { tasks: [{ work: { kind: 'function', func: asks } }] })
  const begin = async () => {
    const { run } = await it.desk.enqueue('work')
    await until('it has begun', () => started.includes(run.id))
    await it.runner.flush()
    return run.id
  }
  const first = await begin()
  t.equal((await it.desk.run(first)).progress!.eta, null)
  it.clock.advance(60_000)
  letGo()
  await it.reach(first, 'completed')
  const second = await begin()
  const running = await it.desk.run(second)
  t.equal(runView(running, it.clock.now()).progress!.eta, 60)
  letGo()
  t.equal(runView(await it.reach(second, 'completed'), it.clock.now()).progress!.eta, null, 'an ended run has no ETA')
})
