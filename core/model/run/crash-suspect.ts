import { MINUTE, SECOND } from '../base/duration.ts'
import type { Run } from './run.ts'

/** The number of crashes from which a run is a suspect: two before the cap, at least 2. */
export const suspectFrom = (cap: number): number => Math.max(2, cap - 2)

/** True for a run that was running in enough crashes to be tried apart from other suspects. */
export const isSuspect = ({ crashes = 0 }: Partial<Pick<Run, 'crashes'>>, cap: number): boolean =>
  crashes >= suspectFrom(cap)

/** How long a suspect runs before the next one may start, ms: it did not end the process at once. */
export const TRIED_MS = 10 * SECOND

const FIRST_WAIT = SECOND
const LONGEST_WAIT = 5 * MINUTE

/** How long a suspect waits after a crash, ms: a second, doubled with each further crash, at most 5 minutes. */
export const waitAfterCrash = (crashes: number, cap: number): number =>
  crashes < suspectFrom(cap) ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (crashes - suspectFrom(cap)))

/** How long a run that blocked the event loop waits before its next attempt, ms: time for an operator to step in. */
export const HELD_WAIT_MS = 5 * SECOND

/** What an owner was doing when its process ended, if known. `runs`: the ids of runs that blocked its event loop.
 *  `ended`: a stop or the limit ended it for that; null: something else did. `words`: the same as a sentence. */
export interface Blame {
  owner: string
  runs: readonly string[]
  ended: 'stop' | 'limit' | null
  words: string
}

/** The share of a run in the end of its process. `alone`: only it can have caused it. `among`: it is one of several.
 *  `beside`: it did not. `stopped`: the process was stopped on purpose. */
export type Share = 'alone' | 'among' | 'beside' | 'stopped'

/** `child`: the process that executed it, null when it was this one. */
type CutOff = Pick<Run, 'id' | 'crashes' | 'started_at'> & { child: unknown }

const startedLater = (a: CutOff, b: CutOff): CutOff =>
  (a.started_at ?? 0) - (b.started_at ?? 0) > 0 || (a.started_at === b.started_at && a.id > b.id) ? a : b

/** The runs that may have ended the process: those that blocked its loop, else those executed in it, else all. */
function mayHave<R extends CutOff> (runs: readonly R[], blame: Blame | null): readonly R[] {
  const held = runs.filter(({ id }) => blame?.runs.includes(id))
  if (held.length > 0) return held
  const within = runs.filter(({ child }) => child === null)
  return within.length > 0 ? within : runs
}

/** The share of each run that the end of one owner interrupted. Once suspects are tried apart, the last one to start is
 *  on trial. */
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
