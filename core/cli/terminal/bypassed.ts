import type { RequestedAnswer } from '../remote/answers.ts'
import { plain, printNote } from './output.ts'

/** Prints the conditions that a run bypasses because a person asked for it. A run that is held is not printed: other
 *  conditions hold it. */
export function printBypassed ({ passes = [], held }: Pick<RequestedAnswer, 'passes' | 'held'>): void {
  if (passes.length > 0 && held === null) {
    printNote(plain(`starts in spite of: ${passes.map(({ message }) => message).join('; ')}`))
  }
}
