import type { Gate, GateInput } from '../conditions/gate.ts'
import { isSuspect, suspectFrom } from '../run/crash-suspect.ts'

type Ask = Pick<GateInput, 'run' | 'config' | 'occupancy'>

const capOf = ({ config }: Ask): number => config.manager.crash_cap

/** True for a run that is not a crash suspect, or while no suspect runs. */
export const mayBeTried = (ask: Ask): boolean =>
  !isSuspect(ask.run, capOf(ask)) || (ask.occupancy.tried ?? null) === null

/** Closed to a crash suspect while another one runs, so that the next crash has one culprit. */
export const suspect: Gate = ask => {
  const { run, occupancy: { tried = null } } = ask
  if (!isSuspect(run, capOf(ask))) return null
  const ok = mayBeTried(ask)
  const of = `running during ${run.crashes} crashes of offpeak`
  return {
    gate: 'suspect',
    ok,
    code: ok ? 'ok' : 'suspect',
    message: ok
      ? `${of}, no other crash suspect is running`
      : `${of}, waits for a run of ${tried?.task}, another crash suspect`,
    observed: run.crashes ?? 0,
    required: suspectFrom(capOf(ask)) - 1,
    clears_at: ok ? null : tried?.until ?? null,
    certain: false,
    source: '/manager/crash_cap'
  }
}
