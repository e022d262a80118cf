import fc from 'fast-check'
import t from 'tap'
import { faultsOf, live } from './forecast/live.ts'
import { worlds } from './forecast/worlds.ts'
import { times } from '../depth.ts'

const CASES = Number(process.env['OFFPEAK_CASES'] ?? times(300))
/** A limit in ms: a busy machine tries fewer worlds. */
const MOST_MS = 60_000

t.setTimeout(2 * MOST_MS)

t.test('certain starts happen within their range, and each start was forecast', { timeout: 2 * MOST_MS }, async t => {
  let certain = 0
  let started = 0
  await fc.assert(fc.asyncProperty(worlds, async world => {
    const outcome = await live(world, 100)
    certain += outcome.items.filter(({ certainty, stage }) => certainty === 'certain' && stage !== 'running').length
    started += outcome.started.length
    const faults = faultsOf(outcome)
    if (faults.length > 0) throw new Error(faults.join('\n'))
  }), {
    numRuns: CASES,
    interruptAfterTimeLimit: MOST_MS,
    ...process.env['OFFPEAK_SEED'] && { seed: Number(process.env['OFFPEAK_SEED']) }
  })
  t.comment(`${started} starts, ${certain} certain ones`)
  t.ok(certain > started / 50, 'enough starts are certain')
})
