import { times } from '../depth.ts'
import { deepEqual, equal, ok } from 'node:assert/strict'
import { StatementSync, DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import t from 'tap'
import { SECOND } from '../../core/model/base/duration.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { T0 } from './contract/fixtures.ts'
import { compareAll, compareDue } from './model/compare.ts'
import { MANY_RUN_STEPS } from './model/many-runs.ts'
import { Draw, MOST } from './model/random-draw.ts'
import { ReferenceEngine } from './model/reference-engine.ts'
import { STEPS, wait } from './model/steps.ts'
import type { Step, World } from './model/steps.ts'

t.setTimeout(240_000)

const CALLS: Record<string, Step> = { ...STEPS, ...MANY_RUN_STEPS }
const WEIGHTS: Partial<Record<string, number>> = {
  add: 6,
  claim: 5,
  settle: 6,
  refused: 4,
  hold: 3,
  name: 3,
  flow: 2,
  cancel: 2,
  edit: 2,
  plan: 2
}

/** The failure of a batch: at a statement, a begin or a commit, or at the rollback after it. */
interface Fault {
  at: number | 'begin' | 'commit'
  errcode: 10 | 13
  rollback: boolean
}

interface Batch {
  calls: { name: string, number: bigint }[]
  fault: Fault | null
  time: bigint
}

const call = fc.oneof(...Object.keys(CALLS).map(name => ({
  weight: WEIGHTS[name] ?? 1,
  arbitrary: fc.record({ name: fc.constant(name), number: fc.bigInt({ min: 0n, max: MOST }) })
})))

const fault = fc.record<Fault>({
  at: fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 40 }) }, fc.constant('begin' as const),
    fc.constant('commit' as const)),
  errcode: fc.constantFrom(10, 13),
  rollback: fc.integer({ min: 0, max: 9 }).map(number => number === 9)
})

const batch = fc.record<Batch>({
  calls: fc.array(call, { minLength: 1, maxLength: 6 }),
  fault: fc.option(fault, { freq: 3 }),
  time: fc.bigInt({ min: 0n, max: MOST })
})

/** A disk that fails once, at the given place. */
const disk = { fault: null as Fault | null, statements: 0, failed: false }

const broken = (errcode: number) => Object.assign(new Error('disk I/O error'), { errcode })

function check (sql: string): void {
  const { fault: wanted } = disk
  if (wanted === null || disk.failed) return
  const kind = sql === 'begin immediate' ? 'begin' : sql === 'commit' ? 'commit' : disk.statements++
  if (kind !== wanted.at) return
  disk.failed = true
  throw broken(wanted.errcode)
}

for (const name of ['run', 'get', 'all'] as const) {
  const real = StatementSync.prototype[name] as (...values: unknown[]) => unknown
  Object.assign(StatementSync.prototype, {
    [name] (this: StatementSync, ...values: unknown[]) {
      check(this.sourceSQL)
      const answer = real.apply(this, values)
      // Statements after the commit are not part of the batch.
      if (this.sourceSQL === 'commit') disk.fault = null
      return answer
    }
  })
}
const exec = DatabaseSync.prototype.exec
DatabaseSync.prototype.exec = function (sql) {
  if (sql === 'rollback' && disk.fault?.rollback) {
    disk.failed = true
    throw broken(10)
  }
  return exec.call(this, sql)
}

const FAILED = 'OFFPEAK_ENGINE_FAILED'

const codeOf = (result: PromiseSettledResult<unknown>) =>
  result.status === 'rejected' ? (result.reason as { code?: string }).code : undefined

/** Makes the calls of a batch, which share a transaction. False: the store is lost. */
async function commit (world: World, { calls, fault: wanted, time }: Batch): Promise<boolean> {
  const acts = calls.map(({ name, number }) => CALLS[name]!(world, new Draw(number))).filter(act => act !== null)
  Object.assign(disk, { fault: wanted, statements: 0, failed: false })
  const results = await Promise.allSettled(acts.map(act => act.call()))
  const { failed } = disk
  disk.fault = null
  // Some calls may be refused before their transaction, or change nothing.
  if (failed) ok(results.some(result => codeOf(result) === FAILED), 'a caller receives the error')
  for (const [place, result] of results.entries()) {
    const { refused, apply } = acts[place]!
    if (failed) {
      ok(result.status === 'fulfilled'
        ? isNothing(result.value)
        : codeOf(result) === FAILED || codeOf(result) === refused, `call ${place} is undone`)
    } else if (refused !== undefined) equal(codeOf(result), refused)
    else if (result.status === 'rejected') throw result.reason
    else apply(result.value as never)
    if (!failed) world.reference.follow()
  }
  if (failed && wanted!.rollback && wanted!.at !== 'begin') return false
  await compareDue(world.engine, world.reference)
  wait(world, new Draw(time))!.apply(undefined as never)
  return true
}

const isNothing = (value: unknown) =>
  typeof value === 'object' && value !== null && JSON.stringify(value).replaceAll(/"[a-z]+":|[{}[\],]/g, '') === ''

async function play (batches: readonly Batch[]): Promise<void> {
  const engine = createSqliteEngine({ folder: ':memory:', ballastBytes: 0, check: true })
  await engine.start()
  const world: World = { engine, reference: new ReferenceEngine(T0), boots: 0, batched: true }
  try {
    for (const one of batches) {
      if (await commit(world, one)) continue
      deepEqual([(await engine.health(T0)).ok, await engine.count().catch(error => error.code)], [false, FAILED],
        'every later call fails')
      return
    }
    await compareAll(engine, world.reference)
  } finally {
    disk.fault = null
    await engine.stop()
  }
}

t.test('calls in a shared transaction have the effects they have alone, whichever call or disk fails', async () => {
  const batches = fc.array(batch, { minLength: 1, maxLength: 8 })
  await fc.assert(fc.asyncProperty(batches, play), { numRuns: times(2000), interruptAfterTimeLimit: 55 * SECOND })
})
