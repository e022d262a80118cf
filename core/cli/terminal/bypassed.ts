import type { RequestedAnswer } from '../remote/answers.ts'
import { plain, tell } from './output.ts'

/** Says which conditions a run passes because it was asked for at once; of one that is held all the same there are
 *  others to tell. */
export function tellPassed ({ passes = [], held }: Pick<RequestedAnswer, 'passes' | 'held'>): void {
  if (passes.length > 0 && held === null) {
    tell(plain(`starts in spite of: ${passes.map(({ message }) => message).join('; ')}`))
  }
}
