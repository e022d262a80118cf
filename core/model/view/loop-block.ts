import { SECOND, spanWords } from '../base/duration.ts'

/** A run whose function runs on the event loop. */
export interface InlineRun {
  id: string
  task: string
}

/** A blocked event loop. `runs`: the runs that block it or, while `exact` is false, those that may. `where`: the place
 *  in the code; null: unknown. */
export interface LoopBlock {
  ms: number
  runs: readonly InlineRun[]
  exact: boolean
  where: string | null
}

/** A block that has ended. `at`: epoch ms of its end. */
export interface PastLoopBlock extends LoopBlock {
  at: number
}

/** How long the loop must stand still to count as blocked, ms. */
export const BLOCKED_MS = 3 * SECOND

interface EndAsk {
  /** How long the loop has been blocked. */
  ms: number
  /** How long ago a stop signal arrived that the loop has not handled; null: none. */
  askedMs: number | null
  /** How many stop signals arrived. */
  asked: number
  graceMs: number
  /** 0: none. */
  limitMs: number
}

/** Why the process of a blocked loop must be ended, or null: it cannot handle signals itself. A second stop signal ends
 *  it at once. */
export function endOf ({ ms, askedMs, asked, graceMs, limitMs }: EndAsk): 'stop' | 'limit' | null {
  if (asked > 1 || (askedMs !== null && askedMs >= graceMs)) return 'stop'
  return limitMs > 0 && ms >= limitMs ? 'limit' : null
}

function whoseOf ({ runs, exact }: Pick<LoopBlock, 'runs' | 'exact'>): string {
  const [first, ...others] = runs
  if (first === undefined) return 'something other than a run'
  const named = `run ${first.id} of task '${first.task}'`
  if (others.length === 0 || exact) return named
  return `one of ${runs.length} inline runs, ${named} first,`
}

const HELD_FIX = 'use isolation: thread or process for work that does not wait'

const lasting = (ms: number) => spanWords(Math.max(SECOND, Math.round(ms / SECOND) * SECOND))

/** The message of health and the log about a blocked loop; `unnamed`: without runs and places, for readers without a
 *  token. */
export function blockWords (stand: LoopBlock, names: 'named' | 'unnamed' = 'named'): string {
  const where = stand.where === null || names === 'unnamed' ? '' : ` at ${stand.where}`
  const whose = names === 'named' ? whoseOf(stand) : stand.runs.length === 0 ? 'something' : 'a run'
  return `the event loop has been blocked for ${
    lasting(stand.ms)
  }: ${whose} blocks it${where}, and nothing else runs meanwhile`
}

/** The message of health about a block that has ended. */
export const pastBlockWords = (stood: PastLoopBlock): string =>
  `the event loop was blocked for ${lasting(stood.ms)}: ${whoseOf(stood)} blocked it${
    stood.where === null ? '' : ` at ${stood.where}`
  }; ${HELD_FIX}`

/** The warning on a run that has blocked the loop. */
export const blockWarning = (ms: number): string => `it blocked the event loop for ${lasting(ms)}: ${HELD_FIX}`
