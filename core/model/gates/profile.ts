import type { Bypass, Gate, GateInput, Occupancy } from '../conditions/gate.ts'
import { READ } from '../conditions/gate.ts'
import { inForce, profileOf } from '../machine/power.ts'
import { windowAt } from '../machine/window.ts'
import type { Profile } from '../machine/power.ts'

/** The slots that power profile and window leave together. */
interface ProfileSlots {
  slots: number
  profile: Profile
  window: string | null
}

/** The slots of the profile times the share of the window in force, rounded up; null while scheduling.profile_slots is
 *  not in force. Outside every window the share is 1. */
export function profileSlots (
  { reading, config, now }: Pick<GateInput, 'reading' | 'config' | 'now'>
): ProfileSlots | null {
  const profile = profileOf(reading, config)
  if (!inForce(config.scheduling.profile_slots, profile)) return null
  const window = windowAt(config, now)
  const slots = config.power.power_profiles[profile].task_concurrency * (window?.resource_limit ?? 1)
  // A product such as 10 × 0.3 is a little more than the 3 it stands for.
  return { slots: Math.ceil(slots - 1e-9), profile, window: window?.name ?? null }
}

/** The slots of a profile for a run. A run that passes its conditions has at least one. */
export const slotsFor = ({ slots }: ProfileSlots, bypass: Bypass | null): number =>
  bypass === null ? slots : Math.max(1, slots)

/** How many slots of the profile are in use; reserved slots of critical runs do not count. */
export const profileTaken = ({ slots, free }: Pick<Occupancy, 'slots' | 'free'>): number => slots - free

/** Closed while all slots of the power profile within the window in force are in use. */
export const profile: Gate = ask => {
  const found = profileSlots(ask)
  if (found === null) return null
  const most = slotsFor(found, ask.bypass ?? null)
  const taken = profileTaken(ask.occupancy)
  const ok = taken < most
  return {
    gate: 'profile',
    ok,
    code: ok ? 'ok' : 'profile_busy',
    message: `${taken} of ${most} slots of the profile ${found.profile} in use${
      found.window === null ? '' : ` in ${found.window} hours`
    }`,
    observed: taken,
    required: most,
    ...READ,
    source: `/power/power_profiles/${found.profile}/task_concurrency`
  }
}
