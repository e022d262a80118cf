import type { RecoverAsk, Recovered } from '../../engine.ts'
import { afterCrash, pastAttempt } from '../../transitions.ts'
import type { Store } from '../state/store.ts'
import { unlessDisplaced } from './unique.ts'

/** Puts back, or fails, what owners that are no more had running. */
export function recover (store: Store, ask: RecoverAsk): Recovered {
  const recovered: Recovered = { queued: [], failed: [] }
  for (const run of [...store.running.values()].filter(({ owner }) => owner !== ask.owner)) {
    const crashed = afterCrash(run, ask)
    store.keepAttempt(run.id, pastAttempt(run, 'crashed', { finished_at: ask.now, error: null, reason: crashed.reason }))
    const after = unlessDisplaced(store, { before: run, after: crashed }, ask.now)
    store.save(run, after)
    if (after.state === 'queued') recovered.queued.push({ ...after })
    if (after.state === 'failed') recovered.failed.push({ ...after })
  }
  return recovered
}
