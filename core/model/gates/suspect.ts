import type { Gate, GateInput } from './gate.ts'
import { isSuspect, suspectFrom } from '../run/crash-suspect.ts'

type Ask = Pick<GateInput, 'run' | 'config' | 'occupancy'>

const capOf = ({ config }: Ask): number => config.manager.crash_cap

/** Whether the run is no suspect of a crash, or none is being tried. */
export const mayBeTried = (ask: Ask): boolean =>
  !isSuspect(ask.run, capOf(ask)) || (ask.occupancy.tried ?? null) === null

/** Closed to a run that was running in several crashes while another such run is being tried: the next crash is to have
 *  one culprit. */
export const suspect: Gate = ask => {
  const { run, occupancy: { tried = null } } = ask
  if (!isSuspect(run, capOf(ask))) return null
  const ok = mayBeTried(ask)
  const of = `it was running in ${run.crashes} crashes of offpeak`
  return {
    gate: 'suspect',
    ok,
    code: ok ? 'ok' : 'suspect',
    message: ok
      ? `${of}, and is tried apart from others that were`
      : `${of}: it is tried after a run of ${tried?.task}, which was too, so that the next crash has one culprit`,
    observed: run.crashes ?? 0,
    required: suspectFrom(capOf(ask)) - 1,
    clears_at: ok ? null : tried?.until ?? null,
    certain: false,
    source: '/manager/crash_cap'
  }
}
