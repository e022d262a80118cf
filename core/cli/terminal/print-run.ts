import type { RemoteOptions } from '../remote/options.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { print, printJson } from './output.ts'
import { stateWords } from './run-words.ts'
import { timeWords } from './time-words.ts'

/** Prints a run that was changed: state, priority and due time. */
export function printRun (run: RunAnswer, { json }: RemoteOptions): void {
  if (json) return printJson(run)
  print(`${run.id} ${stateWords(run.label)}, ${run.priority}, due ${timeWords(run.due_at)}`)
}
