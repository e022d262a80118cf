import { times } from '../depth.ts'
import { rejects } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { SECOND } from '../../core/model/base/duration.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { T0 } from './contract/fixtures.ts'
import { compareAll, compareRuns } from './model/compare.ts'
import { MANY_RUN_STEPS, sweep } from './model/many-runs.ts'
import { Draw, MOST } from './model/random-draw.ts'
import { ReferenceEngine } from './model/reference-engine.ts'
import { STEPS, restart, wait } from './model/steps.ts'
import type { Act, Step, World } from './model/steps.ts'
import { folderOf } from './process.ts'

t.setTimeout(110_000)

const ALL: Record<string, Step> = { ...STEPS, ...MANY_RUN_STEPS, restart, wait, sweep }
/** The numbers of operations between two comparisons of all runs, and of all their details. */
const OFTEN = 10
const SELDOM = 100

/** The weights of the operations; 1 when absent. */
const WEIGHTS: Partial<Record<string, number>> = {
  add: 6,
  claim: 6,
  settle: 9,
  wait: 5,
  report: 4,
  retry: 4,
  hold: 4,
  flow: 3,
  name: 3,
  cancel: 2,
  edit: 2,
  plan: 2,
  sweep: 2
}

interface Operation {
  name: string
  number: bigint
}

const operation = fc.oneof(...Object.keys(ALL).map(name => ({
  weight: WEIGHTS[name] ?? 1,
  arbitrary: fc.bigInt({ min: 0n, max: MOST }).map((number): Operation =>
    Object.assign({ name, number }, { toString: () => `${name}(${number})` })
  )
})))

async function doOne (act: Act | null): Promise<void> {
  if (act === null) return
  if (act.refused === undefined) act.apply(await act.call() as never)
  else await rejects(act.call(), { code: act.refused })
}

/** Applies the operations in order, each to the engine and to the reference. */
async function play (folder: string, operations: readonly Operation[]): Promise<void> {
  const engine = createSqliteEngine({ folder, ballastBytes: 0, synchronous: 'off', check: true })
  await engine.start()
  const world: World = { engine, reference: new ReferenceEngine(T0), boots: 0 }
  try {
    for (const [index, { name, number }] of operations.entries()) {
      await doOne(ALL[name]!(world, new Draw(number)))
      world.reference.follow()
      if (index % OFTEN === 0) await compareRuns(engine, world.reference)
      if (index % SELDOM === 0) await compareAll(engine, world.reference)
    }
    await compareAll(engine, world.reference)
  } finally {
    await engine.stop()
  }
}

t.test('after any sequence of operations every run equals that of the reference', async t => {
  const operations = fc.array(operation, { minLength: 1, maxLength: 60, size: 'max' })
  await fc.assert(fc.asyncProperty(operations, some => play(folderOf(t), some)), {
    numRuns: times(60),
    interruptAfterTimeLimit: 45 * SECOND
  })
})

t.test('every run equals that of the reference after a thousand operations', async () => {
  // Without a bias to short sequences half of them are longer than five hundred.
  const operations = fc.noBias(fc.array(operation, { minLength: 1, maxLength: 1000, size: 'max' }))
  await fc.assert(fc.asyncProperty(operations, some => play(folderOf(t), some)), {
    numRuns: times(20),
    interruptAfterTimeLimit: 45 * SECOND
  })
})
