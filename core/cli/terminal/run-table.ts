import type { RunAnswer } from '../remote/answers.ts'
import { durationWords } from './time-words.ts'
import { whenWords, whyWords } from './run-words.ts'
import { table } from './table.ts'

/** Runs as rows: id, task, state, when, how long, why. */
export function runTable (runs: readonly RunAnswer[]): string {
  const rows = runs.map(
    run => [run.id, run.task, run.label, whenWords(run), durationWords(run.duration), whyWords(run)]
  )
  return table(['RUN', 'TASK', 'STATE', 'AT', 'TOOK', 'WHY'], rows)
}
