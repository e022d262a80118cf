import t from 'tap'
import { ProgressTracker } from '../../core/work/progress.ts'
import { fakeClock } from '../clock.ts'

const setup = () => {
  const clock = fakeClock()
  return { clock, progress: new ProgressTracker(clock) }
}

t.test('percentage, rate and ETA follow from what was done in which time', t => {
  const { clock, progress } = setup()
  progress.setTotal(200, 'files')
  clock.advance(10_000)
  progress.advance(50, 'a.txt')
  t.match(progress.take(), { current: 50, total: 200, unit: 'files', message: 'a.txt', percentage: 25, rate: 5, eta: 30 })
  t.end()
})

t.test('the rate is smoothed: a pause slows it down, and does not set it to nothing', t => {
  const { clock, progress } = setup()
  progress.setTotal(1000)
  clock.advance(10_000)
  progress.advance(100)
  t.equal(progress.read().rate, 10)
  clock.advance(5000)
  const { rate } = progress.read()
  t.ok(rate! > 5 && rate! < 10, `${rate} lies between`)
  t.end()
})

t.test('without a total there is neither percentage nor ETA', t => {
  const { clock, progress } = setup()
  clock.advance(1000)
  progress.advance(3)
  t.match(progress.take(), { current: 3, total: null, percentage: null, eta: null })
  t.end()
})

t.test('only a change is given out, and more than the total is still 100 %', t => {
  const { progress } = setup()
  t.equal(progress.take(), null)
  progress.setTotal(10)
  progress.update(25)
  t.equal(progress.take()!.percentage, 100)
  t.equal(progress.take(), null)
  t.end()
})

t.test('numbers that are none change nothing', t => {
  const { progress } = setup()
  progress.update(4)
  progress.update(NaN)
  progress.setTotal(-1)
  t.match(progress.read(), { current: 4, total: null })
  t.end()
})
