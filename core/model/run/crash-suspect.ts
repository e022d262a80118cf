import { MINUTE, SECOND } from '../base/duration.ts'
import type { Run } from './run.ts'

/** Crashes after which a run is a suspect: as many as leave two more before the cap, and never the first. */
export const suspectFrom = (cap: number): number => Math.max(2, cap - 2)

/** True for a run that was running in so many crashes that it is tried apart from others like it. */
export const isSuspect = ({ crashes = 0 }: Partial<Pick<Run, 'crashes'>>, cap: number): boolean =>
  crashes >= suspectFrom(cap)

/** A suspect that has run for so long has not ended the process at once: the next one may begin. */
export const TRIED_MS = 10 * SECOND

const FIRST_WAIT = SECOND
const LONGEST_WAIT = 5 * MINUTE

/** How long a suspect waits after a crash: a second, twice as long after each one more, at most 5 minutes. */
export const waitAfterCrash = (crashes: number, cap: number): number =>
  crashes < suspectFrom(cap) ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (crashes - suspectFrom(cap)))

/** A run that held the event loop waits for so long before it is tried again: whoever starts offpeak can say something
 *  first. */
export const HELD_WAIT_MS = 5 * SECOND

/** What the owner of runs was doing when it ended, where that is known. `runs`: those that held its event loop.
 *  `ended`: it was ended for that by a stop, or by the limit; null: by something else. `words`: the same, for
 *  people. */
export interface Blame {
  owner: string
  runs: readonly string[]
  ended: 'stop' | 'limit' | null
  words: string
}

/** The part of a run in the end of its process: it alone may have caused it, it may have among others, it has not, or
 *  the process was to stop. */
export type Share = 'alone' | 'among' | 'beside' | 'stopped'

/** `child`: the process that executed it, null when it was this one. */
type CutOff = Pick<Run, 'id' | 'crashes' | 'started_at'> & { child: unknown }

const startedLater = (a: CutOff, b: CutOff): CutOff =>
  (a.started_at ?? 0) - (b.started_at ?? 0) > 0 || (a.started_at === b.started_at && a.id > b.id) ? a : b

/** Who may have ended the process: whose function held its loop, else what was executed in it, else all. */
function mayHave<R extends CutOff> (runs: readonly R[], blame: Blame | null): readonly R[] {
  const held = runs.filter(({ id }) => blame?.runs.includes(id))
  if (held.length > 0) return held
  const within = runs.filter(({ child }) => child === null)
  return within.length > 0 ? within : runs
}

/** The parts of the runs of one owner that its end has cut off. Once suspects are tried apart, the one that started
 *  last is the one on trial. */
export function sharesOf (
  runs: readonly CutOff[],
  { crash_cap: cap, blame }: { crash_cap: number, blame: Blame | null }
): (run: CutOff) => Share {
  if (blame?.ended === 'stop') return () => 'stopped'
  const suspects = mayHave(runs, blame)
  const tried = suspects.filter(run => isSuspect(run, cap))
  const onTrial = tried.length > 0 ? tried.reduce(startedLater) : suspects.length === 1 ? suspects[0] : undefined
  return run => {
    if (run === onTrial) return 'alone'
    return suspects.includes(run) && !tried.includes(run) ? 'among' : 'beside'
  }
}
