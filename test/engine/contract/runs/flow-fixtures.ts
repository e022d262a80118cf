import type { Engine } from '../../../../core/engine/engine.ts'
import type { After, NewRun, Run } from '../../../../core/model/run/run.ts'
import { T0, ask, claimAll } from '../fixtures.ts'

export const after = (...runs: (string | Run)[]): After[] =>
  runs.map(run => ({ run: typeof run === 'string' ? run : run.id, condition: 'completed' as const }))

export const flow = async (engine: Engine, runs: Partial<NewRun>[], now = T0) =>
  (await engine.add(runs.map(run => ask(run)), now)).map(({ run }) => run)

export const states = async (engine: Engine, runs: Run[]) =>
  Promise.all(runs.map(async ({ id }) => (await engine.get(id))!.state))

export const startOf = async (engine: Engine, id: string, now = T0) =>
  (await claimAll(engine, { now })).find(run => run.id === id)!
