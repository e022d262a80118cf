import type { ManagerFace, State } from '../../core/index.ts'
import { STATES, isFinal } from '../../core/index.ts'
import type { filterIn } from '../_schema/changes.ts'
import { runAnswer } from './answers.ts'

export type Change = 'cancel' | 'retry' | 'delete' | 'promote'

/** The most runs that a dry run shows. */
const SHOWN = 20
const FINISHED: State[] = STATES.filter(isFinal)
const WAITING: State[] = ['blocked', 'queued']
const UNFINISHED = STATES.filter(state => !isFinal(state))

/** The states in which a change is possible, and those it selects by default. */
const STATES_OF: Record<Change, { possible: State[], standard: State[] }> = {
  cancel: { possible: UNFINISHED, standard: UNFINISHED },
  retry: { possible: FINISHED, standard: ['failed'] },
  delete: { possible: FINISHED, standard: FINISHED },
  promote: { possible: WAITING, standard: WAITING }
}

interface DryRun {
  change: Change
  filter: ReturnType<typeof filterIn>
  limit?: number | undefined
}

/** The newest runs that a change would apply to, at most 20. */
export async function matchingRuns (manager: ManagerFace, { change, filter, limit = SHOWN }: DryRun) {
  const { possible, standard } = STATES_OF[change]
  const state = filter.state?.filter(one => possible.includes(one)) ?? standard
  if (state.length === 0) return []
  const { items } = await manager.desk.runs({ ...filter, state, limit: Math.min(limit, SHOWN) })
  const now = manager.clock.now()
  // A run that was already asked to stop is not cancelled again, and a due run is not promoted.
  return items.filter(run => change === 'promote' ? run.due_at > now : change !== 'cancel' || run.cancel === null).map(
    run => runAnswer(manager, run)
  )
}
