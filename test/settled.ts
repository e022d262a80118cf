import type { Notice } from '../core/model/notice.ts'

const idOf = (said: Notice) =>
  said.kind === 'claimed' || said.kind === 'settled' ? said.run.id : said.kind === 'stale' ? said.id : null

/** True once what came of every attempt of the run has been told: its state can be read some time before the disk has
 *  confirmed it. */
export const isTold = (notices: readonly Notice[], id: string): boolean =>
  notices.findLast(said => idOf(said) === id)?.kind !== 'claimed'
