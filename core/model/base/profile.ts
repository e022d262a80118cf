export const PROFILES = ['charging', 'battery_normal', 'battery_low', 'battery_critical', 'ups'] as const

/** The power profile: the name of the limits in force. */
export type Profile = typeof PROFILES[number]

/** Hints for a running task on how many resources to use. Limits are shares, 0 to 1. */
export interface Hints {
  batch_size: number
  quality: string
  can_parallel: boolean
  suspend_non_critical: boolean
  cpu_limit: number
  network_limit: number
  profile: Profile
}
