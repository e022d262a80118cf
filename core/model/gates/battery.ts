import type { Gate, GateInput, GateResult } from '../conditions/gate.ts'
import { READ, rounded } from '../conditions/gate.ts'
import { isCharged, supplyOf } from '../machine/power.ts'
import { isIdle } from '../machine/idle.ts'
import { known } from '../machine/reading.ts'
import { relaxedDown } from '../conditions/relaxation.ts'
import type { Class } from '../task/constraint.ts'
import type { Supply } from '../machine/power.ts'

interface Wanted {
  level: number
  source: string
  words: string
}

/** The level that a run needs on battery. A sync has a level by priority; on an idle machine background work needs only
 *  the level of normal work. */
function wantedOf (ask: GateInput): Wanted {
  const { task, run, config, reading } = ask
  const { classification: { thresholds }, power: { sync } } = config
  const kind = classOf(ask)
  const priority = run.priority ?? task?.priority ?? 'normal'
  if (kind !== 'charging_only' && priority !== 'critical' && task !== undefined && sync.types.includes(task.type)) {
    return { level: sync[priority], source: `/power/sync/${priority}`, words: `a sync of priority ${priority}` }
  }
  if (kind === 'background' && thresholds.normal < thresholds.background && isIdle(reading, config)) {
    const source = '/classification/thresholds/normal'
    return { level: thresholds.normal, source, words: 'background work on an idle machine' }
  }
  const name = kind === 'critical' ? 'normal' : kind
  return { level: thresholds[name], source: `/classification/thresholds/${name}`, words: `${kind} work` }
}

/** A class inferred from words does not override `power` in the definition. */
const classOf = ({ task, class: kind }: GateInput): Class =>
  kind !== 'critical' && task?.class === null && task.constraints.power === 'any' ? 'normal' : kind

/** The task has its own level and no class: the gate `charge` decides. */
const hasLevel = ({ task }: GateInput): boolean =>
  task?.class === null && (task.constraints.battery_above ?? task.constraints.battery_below) !== undefined

function onMains (supply: Supply, ask: GateInput): GateResult | null {
  const { config } = ask
  if (classOf(ask) !== 'charging_only' || !supply.battery) return null
  const from = config.classification.charging_level
  const ok = isCharged(supply, from)
  return {
    gate: 'battery',
    ok,
    code: ok ? 'ok' : 'charging',
    message: ok ? 'on mains, battery charged' : `battery at ${supply.level} %, ${classOf(ask)} work needs ${from} %`,
    observed: supply.level,
    required: from,
    ...READ,
    source: '/classification/charging_level'
  }
}

/** The classes, thresholds and `power.sync` of the configuration: closed on battery below the level that the class of
 *  the run needs. A task with a level of its own has the gate `charge`, one that needs a power source the gate `power`.
 *  An unknown level counts as the low threshold; a machine without a battery is on mains. */
export const battery: Gate = ask => {
  const supply = supplyOf(ask.reading)
  if (hasLevel(ask)) return null
  if (supply.feed === 'mains') return onMains(supply, ask)
  const { level: full, source, words } = wantedOf(ask)
  const { low, critical } = ask.config.power.battery_thresholds
  const required = rounded(relaxedDown(full, ask.relaxed, critical))
  const level = known(supply.level) ? supply.level : low
  const ok = level >= required
  const feed = supply.feed === 'ups' ? 'UPS battery' : 'battery'
  const seen = known(supply.level) ? `${rounded(level)} %` : `level unknown, counts as ${low} %`
  return {
    gate: 'battery',
    ok,
    code: ok ? 'ok' : 'battery_low',
    message: `on ${feed} (${seen}), ${words} needs ${required} %`,
    observed: supply.level,
    required,
    ...READ,
    source,
    ...required !== full && { relaxed_from: full }
  }
}
