import { known } from './reading.ts'
import type { Maybe, Trend } from './reading.ts'

/** A load over time: its mean, and the value that gates compare. Instants are epoch ms. `direction`: the sign of the
 *  last change of `value`. */
export interface Load extends Trend {
  seen_at: number
  moved_at: number
  direction: number
}

/** `farMs`: samples further apart are not averaged, because the time between them is unknown. */
export interface Moment {
  now: number
  dwell: number
  farMs: number
}

/** After one dwell, the mean has followed nine tenths of a lasting change. */
const LEFT_AFTER_DWELL = 0.1

/** A load leaves a limit it has reached when its mean is lower by this factor: 70 % is left below 65 %. */
export const FALL = 1.08

/** Whether an instant lies within the dwell before now. A future instant does not: the clock was set back. */
export const isRecent = (at: number, { now, dwell }: Pick<Moment, 'now' | 'dwell'>): boolean =>
  at <= now && now - at < dwell

const weightOf = (passed: number, dwell: number): number => dwell === 0 ? 1 : 1 - LEFT_AFTER_DWELL ** (passed / dwell)

/** The value rises with the mean, falls behind it by FALL, and does not reverse its direction within a dwell. */
function followed (load: Load, mean: number, moment: Moment): Pick<Load, 'value' | 'moved_at' | 'direction'> {
  const target = Math.min(mean * FALL, Math.max(mean, load.value))
  const direction = Math.sign(target - load.value)
  const turnsBack = direction !== 0 && direction === -load.direction && isRecent(load.moved_at, moment)
  if (direction !== 0 && !turnsBack) return { value: target, moved_at: moment.now, direction }
  return { value: load.value, moved_at: Math.min(load.moved_at, moment.now), direction: load.direction }
}

/** `limit`: the general limit of the load, null for none. */
interface Sample {
  value: Maybe<number>
  limit: number | null
}

/** The load with one more sample. The first sample counts fully, also after a sleep or after the clock was set back.
 *  When the value becomes unknown, the load stays as it was for one more dwell, then undefined is returned. */
export function nextLoad (load: Load | undefined, { value, limit }: Sample, moment: Moment): Load | undefined {
  const { now, dwell, farMs } = moment
  if (!known(value)) return load !== undefined && isRecent(load.seen_at, moment) ? load : undefined
  const passed = load === undefined ? 0 : Math.max(0, now - load.seen_at)
  const isFresh = load === undefined || Math.abs(now - load.seen_at) > farMs
  const mean = isFresh ? value : load.mean + (value - load.mean) * weightOf(passed, dwell)
  const next = isFresh ? { value, moved_at: now, direction: 0 } : followed(load, mean, moment)
  const before = load?.lasted ?? null
  const lasted = limit === null || next.value < limit ? null : before === null ? 0 : before + Math.min(farMs, passed)
  return { ...next, mean, lasted, seen_at: now }
}
