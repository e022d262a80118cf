import type { RequestedAnswer } from '../remote/answers.ts'
import { plain, tell } from './say.ts'

/** Says which conditions a run passes because it was asked for at once. */
export function tellPassed ({ passes = [] }: Pick<RequestedAnswer, 'passes'>): void {
  if (passes.length > 0) tell(plain(`starts in spite of: ${passes.map(({ message }) => message).join('; ')}`))
}
