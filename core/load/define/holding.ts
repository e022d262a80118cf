import { foundWords, pointerOf } from '../../model/base/check.ts'
import { validId } from '../../model/task/task.ts'
import { checkConstraints } from '../../model/conditions/constraint-check.ts'
import { compileTrigger } from '../../model/trigger.ts'
import { milliseconds } from '../../model/base/duration.ts'
import type { Detail } from '../../model/errors/errors.ts'
import type { Duration } from '../../model/base/duration.ts'
import type { Constraints, HoldPolicy } from '../../model/task/constraint.ts'
import type { Config } from '../../model/config/config.ts'
import type { Override } from '../../model/task/task.ts'

/** The sections of the configuration that affect a definition. */
export type DefinitionConfig = Pick<Config, 'manager' | 'scheduling' | 'task_priorities'> & {
  probes?: Readonly<Record<string, unknown>>
  security?: Pick<Config['security'], 'accept_loose_files'>
}

const FIRES = 40
const SOME_DAY = Date.UTC(2026, 0, 1)

const deadlineOf = ({ deadline }: Override, config: DefinitionConfig): number =>
  milliseconds((deadline ?? config.scheduling.deadline) as Duration)

/** Fires that stand for all of a schedule; none for one that counts from when it is first seen, or that is not
 *  right. */
function firesOf ({ trigger, trigger_args, timezone }: Override, zone: string): number[] {
  if (!trigger) return []
  try {
    const compiled = compileTrigger({ trigger, trigger_args: trigger_args ?? {}, timezone: timezone ?? zone }, SOME_DAY)
    if (compiled.kind === 'interval') return []
    const fires: number[] = []
    for (let at = compiled.next(SOME_DAY); at !== null && fires.length < FIRES; at = compiled.next(at)) fires.push(at)
    return fires
  } catch {
    return []
  }
}

/** Names that no signal can have: a run that needs one would wait for ever. */
const nameFaults = ({ signals = {} }: Constraints): Detail[] =>
  Object.keys(signals).filter(name => !validId(name)).map(name => ({
    pointer: pointerOf(['constraints', 'signals', name]),
    detail: `found ${foundWords(name)}, expected the name of a signal: a to z, 0 to 9, '.', '_' and '-'`
  }))

/** Faults of the fields about holding runs. */
export function holdingFaults (data: Override, config: DefinitionConfig): Detail[] {
  if (data.constraints === undefined) return []
  const known = {
    windows: config.scheduling.time_windows,
    probes: config.probes && Object.keys(config.probes),
    timezone: data.timezone ?? config.manager.timezone
  }
  return [...nameFaults(data.constraints),
    ...checkConstraints({ constraints: data.constraints, deadlineMs: deadlineOf(data, config) }, {
      ...known,
      ...data.constraints.window !== undefined && { fires: firesOf(data, known.timezone) }
    })]
}

const UNCONSTRAINED: Constraints = Object.freeze({})

/** The fields about holding runs, with all defaults. */
export function holdingOf (data: Override, config: DefinitionConfig): HoldPolicy {
  const lost = data.on_lost ?? 'continue'
  return {
    constraints: data.constraints === undefined ? UNCONSTRAINED : structuredClone(data.constraints),
    deadlineMs: deadlineOf(data, config),
    on_deadline: data.on_deadline ?? 'run',
    on_unmet: data.on_unmet ?? 'hold',
    on_lost: lost,
    class: data.class ?? null,
    flexMs: milliseconds((data.flex ?? 0) as Duration),
    // A task whose runs yield when conditions are lost can also be preempted.
    preemptible: data.preemptible ?? lost === 'yield'
  }
}
