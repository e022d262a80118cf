import type { RunAnswer } from '../remote/answers.ts'
import { durationWords } from './time-words.ts'
import { barWords } from './follow.ts'
import { labelWords, stateCell, whenWords, whyWords } from './run-words.ts'
import { table } from './table.ts'

/** Runs as rows: id, task, state, when, how long, how far or why. */
export function runTable (runs: readonly RunAnswer[]): string {
  const rows = runs.map(
    run => [run.id, run.task, stateCell(labelWords(run)), whenWords(run), durationWords(run.duration),
      run.state === 'running' && run.progress !== null ? barWords(run) : whyWords(run)]
  )
  return table(['RUN', 'TASK', 'STATE', 'AT', 'TOOK', 'WHY'], rows)
}
