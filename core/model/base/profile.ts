export const PROFILES = ['charging', 'battery_normal', 'battery_low', 'battery_critical', 'ups'] as const

/** The limits in force for a state of power. */
export type Profile = typeof PROFILES[number]

/** What a running task is told about the power it should spend. Limits are shares. */
export interface Hints {
  batch_size: number
  quality: string
  can_parallel: boolean
  suspend_non_critical: boolean
  cpu_limit: number
  network_limit: number
  profile: Profile
}
