import type { Misfire } from '../task/task.ts'
import type { Trigger } from '../trigger.ts'

/** Missed fires are counted up to this number. */
const COUNT_CAP = 10_000

export interface MisfireAsk {
  trigger: Trigger
  /** The earliest fire that is due, before jitter. */
  nominal: number
  /** That fire with its jitter. */
  fireAt: number
  now: number
  policy: Misfire
  graceMs: number
  maxCatchUp: number
}

/** One fire to handle. `late`: by more than the grace. `missed`: the number of earlier fires it stands for. */
export interface Fire {
  at: number
  late: boolean
  run: boolean
  missed: number
}

export interface Fires {
  fires: Fire[]
  /** The number of all due fires, the handled ones included; `COUNT_CAP` means that many or more. */
  due: number
  /** Every fire up to this instant is handled. */
  cursor: number
}

/** Decides which due fires run. `run_latest`: the last one, for all. `skip`: the last one if it is within the grace,
 *  otherwise it is recorded as skipped. `run_all`: the newest `maxCatchUp` fires. */
export function decideFires ({ trigger, nominal, fireAt, now, policy, graceMs, maxCatchUp }: MisfireAsk): Fires {
  const due = 1 + trigger.count(nominal, now, COUNT_CAP - 1)
  const latest = due === 1 ? nominal : trigger.latest(nominal, now) ?? nominal
  const isLate = (at: number) => now - (at === nominal ? fireAt : at) > graceMs
  if (policy === 'run_all') {
    const all = newest({ trigger, nominal, latest, now, most: Math.min(due, maxCatchUp) })
    const fires = all.map((at, index) => ({
      at,
      late: isLate(at),
      run: true,
      missed: index === 0 ? due - all.length : 0
    }))
    return { fires, due, cursor: latest }
  }
  const late = isLate(latest)
  return { fires: [{ at: latest, late, run: policy === 'run_latest' || !late, missed: due - 1 }], due, cursor: latest }
}

interface NewestAsk {
  trigger: Trigger
  nominal: number
  latest: number
  now: number
  most: number
}

/** The last `most` fires of those from `nominal` to `latest`, oldest first. */
function newest ({ trigger, nominal, latest, now, most }: NewestAsk): number[] {
  const fires = [latest]
  while (fires.length < most && fires[0]! > nominal) {
    const before = trigger.latest(nominal - 1, fires[0]! - 1)
    if (before === null) break
    fires.unshift(before)
  }
  return fires.filter(at => at <= now)
}
