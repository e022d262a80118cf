import type { Notice } from '../core/model/notice.ts'

const runOf = (notice: Notice) =>
  notice.kind === 'claimed' || notice.kind === 'settled' ? notice.run.id : notice.kind === 'stale' ? notice.id : null

/** True once the last attempt of the run is reported as settled. The engine can return the new state of a run some time
 *  before its commit is durable. */
export const isSettled = (notices: readonly Notice[], id: string): boolean =>
  notices.findLast(notice => runOf(notice) === id)?.kind !== 'claimed'
