import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../core/engine/engine.ts'
import { createSqliteEngine } from '../core/engine/sqlite.ts'
import type { NewRun } from '../core/model/run.ts'

/** How fast one part of the engine is: operations a second. */
export interface Rate { name: string, count: number, per_second: number }

const SLOTS = 10

const ask = (): NewRun => ({ task: 'bench', queue: 'default', priority: 'normal', source: 'manual', due_at: Date.now(), max_retries: 0 })

async function timed (name: string, count: number, work: () => Promise<unknown>): Promise<Rate> {
  const begun = performance.now()
  await work()
  return { name, count, per_second: Math.round(count / (performance.now() - begun) * 1000) }
}

async function addOneByOne (engine: Engine, count: number) {
  for (let index = 0; index < count; index++) await engine.add([ask()], Date.now())
}

async function addConcurrently (engine: Engine, count: number, callers: number) {
  await Promise.all(Array.from({ length: callers }, () => addOneByOne(engine, count / callers)))
}

async function addInBulk (engine: Engine, count: number, size: number) {
  for (let index = 0; index < count; index += size) await engine.add(Array.from({ length: size }, ask), Date.now())
}

/** Settlements that may be on their way to the disk while the slots work on. */
const UNSETTLED = 10 * SLOTS

/** Claims while it settles, as a runner does: a slot is free as soon as its work has ended. */
async function drain (engine: Engine, slots: number) {
  const take = () => engine.claim({ owner: 'bench', now: Date.now(), lease_until: Date.now() + 60_000, limit: slots, room: { tasks: { bench: slots } } })
  const settled: Promise<unknown>[] = []
  for (let runs = await take(); runs.length > 0; runs = await take()) {
    for (const { id, turn } of runs) {
      settled.push(engine.settle({ lease: { id, turn }, outcome: { kind: 'completed', result: null }, now: Date.now() }))
    }
    if (settled.length >= UNSETTLED) await Promise.all(settled.splice(0, settled.length - UNSETTLED + slots))
  }
  await Promise.all(settled)
}

/** Measures the engine in a folder of its own: adding and draining, each answered when it is durable. */
export async function run ({ small }: { small: boolean }): Promise<Rate[]> {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-bench-'))
  const engine = createSqliteEngine({ folder })
  const scale = small ? 1 : 10
  try {
    await engine.start()
    const rates = [
      await timed('add, 1 caller', 500 * scale, () => addOneByOne(engine, 500 * scale)),
      await timed('add, 1,000 callers', 10_000 * scale, () => addConcurrently(engine, 10_000 * scale, 1000)),
      await timed('add, 1,000 at a time', 10_000 * scale, () => addInBulk(engine, 10_000 * scale, 1000))
    ]
    const waiting = 20_500 * scale
    const part = `drain, ${SLOTS} slots`
    return [...rates, await timed(part, waiting, () => drain(engine, SLOTS))]
  } finally {
    await engine.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) console.table(await run({ small: process.argv.includes('--small') }))
