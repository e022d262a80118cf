import { iso } from '../base/clock.ts'
import { wordsFor } from '../trigger.ts'
import type { Json } from '../json/json.ts'
import type { RestingReason } from '../schedule/resting.ts'
import type { Schedule } from '../schedule/schedule.ts'

/** A schedule as REST shows it, with the reason why it does not fire. */
export const scheduleView = (
  { paused = false, anchor: _anchor, cursor: _cursor, moved: _moved, nominal_at: nominal, next_at: next,
    created_at: created, ...rest }: Schedule,
  reason: RestingReason | null
) => ({
  ...rest,
  paused,
  resting: reason !== null,
  reason,
  words: wordsFor(rest as { trigger: string, trigger_args: Record<string, Json>, timezone: string }),
  next_at: iso(next),
  nominal_at: iso(nominal),
  created_at: iso(created)!
})
