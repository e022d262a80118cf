import type { Detail } from '../errors/errors.ts'
import type { LIMIT_SECTIONS } from './limits.ts'
import { TASK_PRIORITIES, TIME_WINDOWS } from './limits.ts'
import { pointerOf } from '../base/check.ts'
import type { Loose } from '../base/section.ts'
import type { Static } from 'typebox'

type LimitFile = {
  [S in 'scheduling' | 'power' | 'task_priorities']?: Loose<Static<typeof LIMIT_SECTIONS[S]>> | undefined
}

/** The defaults that the windows and priorities of config.json are merged into, so that adding one keeps the others. */
export const LIMIT_BASE = {
  scheduling: { time_windows: TIME_WINDOWS },
  resources: {},
  power: {},
  task_priorities: TASK_PRIORITIES,
  classification: {},
  activity: {}
}

const names = (value: object | undefined) => Object.keys(value ?? {}).length > 0

const limitsWindow = ({ scheduling }: LimitFile) =>
  Object.values(scheduling?.time_windows ?? {}).some(window => window?.resource_limit !== undefined)

const limitsProfile = ({ power }: LimitFile) =>
  Object.values(power?.power_profiles ?? {}).some(profile => profile?.task_concurrency !== undefined)

/** When limits on slots are in force: always once config.json sets one. The defaults are meant for battery power and
 *  would only slow down a machine on mains. */
export function regimesOf (file: LimitFile): { priority_slots?: 'always', profile_slots?: 'always' } {
  return {
    ...names(file.scheduling?.max_concurrent_tasks) && { priority_slots: 'always' as const },
    ...(limitsWindow(file) || limitsProfile(file)) && { profile_slots: 'always' as const }
  }
}

const ORDER = ['critical', 'low', 'normal', 'high'] as const

const SAME = "opens and closes at the same time: expected two times such as '01:00' and '05:00', or '00:00' and '24:00'"

/** The faults of windows with equal start and end, which could mean all day or never. */
const windowFaults = (value: unknown): Detail[] =>
  Object.entries((value as LimitFile | null)?.scheduling?.time_windows ?? {}).flatMap(([name, window]) =>
    window?.start === undefined || window.start !== window.end
      ? []
      : [{ pointer: pointerOf(['scheduling', 'time_windows', name, 'end']), detail: `'${name}' ${SAME}` }]
  )

/** The faults that the schema cannot find: windows of no length, and battery thresholds that do not ascend. */
export const limitFaults = (value: unknown): Detail[] => [...windowFaults(value), ...levelFaults(value)]

function levelFaults (value: unknown): Detail[] {
  const levels = (value as LimitFile | null)?.power?.battery_thresholds
  if (typeof levels !== 'object' || levels === null) return []
  const full = { critical: 15, low: 30, normal: 50, high: 80, ...levels }
  const wrong = ORDER.findIndex((name, index) => index > 0 && full[name] <= full[ORDER[index - 1]!])
  if (wrong < 0) return []
  const [below, name] = [ORDER[wrong - 1]!, ORDER[wrong]!]
  return [{
    pointer: pointerOf(['power', 'battery_thresholds', name]),
    detail: `found ${full[name]}, expected more than '${below}', which is ${full[below]}`
  }]
}
