import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { Notices } from '../work/upkeep/notices.ts'
import { systemClock } from '../model/base/clock.ts'
import { folderOf } from './folders.ts'
import { composeInputs } from './inputs.ts'
import { composeWork } from './work.ts'
import type { ManagerOptions } from '../options.ts'
import type { Parts, Wiring } from './parts.ts'
import type { Settings } from '../work/upkeep/settings.ts'

/** How long before its instant a fire becomes a run, ms, so that the run is stored in time. */
const LEAD = 25

const ownerName = () => `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`

/** Creates and connects the parts of a manager, without starting them. */
export function compose (options: ManagerOptions, settings: Settings): Parts {
  const clock = options.clock ?? systemClock
  const notices = new Notices({ now: clock.now })
  if (options.onNotice) notices.listen(options.onNotice, 'onNotice')
  const parts = { owner: ownerName(), clock, notices, settings } as Parts
  const wiring: Wiring = {
    parts,
    options,
    config: () => settings.config,
    folder: () => folderOf(settings),
    tasks: () => parts.catalog.tasks,
    random: options.random ?? Math.random,
    leadMs: clock === systemClock ? LEAD : 0
  }
  composeInputs(wiring)
  composeWork(wiring)
  return parts
}
