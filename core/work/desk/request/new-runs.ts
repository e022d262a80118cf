import { OffpeakError } from '../../../model/errors/errors.ts'
import { inputInvalid } from '../../../model/errors/input-errors.ts'
import { newRun } from './enqueue-request.ts'
import type { Detail } from '../../../model/errors/errors.ts'
import type { NewRun, Source } from '../../../model/run/run.ts'
import type { Task } from '../../../model/task/task.ts'
import type { TaskRunAsk } from './enqueue-request.ts'

/** At most this many runs are added in one call. */
export const MOST_RUNS = 10_000

/** `definition`: throws for an unknown task. `uploads`: the folder of uploaded files. */
interface NewRunsAsk {
  source: Source
  now: number
  definition: (id: string) => Task
  uploads: string
}

const notAdded = (errors: Detail[]) => inputInvalid({ what: 'The runs were not added', errors })

/** The runs of one call, in the order of the requests. Throws OFFPEAK_INPUT_INVALID with the faults of all of them. */
export function newRuns (asks: readonly TaskRunAsk[], { source, now, definition, uploads }: NewRunsAsk): NewRun[] {
  if (asks.length > MOST_RUNS) {
    throw notAdded([{ pointer: '/runs', detail: `has ${asks.length} runs, expected at most ${MOST_RUNS}` }])
  }
  const faults: Detail[] = []
  const runs = asks.flatMap(({ task, ...ask }, index) => {
    try {
      return [newRun({ task: definition(task), ask, source, now, uploads })]
    } catch (error) {
      if (!(error instanceof OffpeakError)) throw error
      const found = error.errors ?? [{ pointer: '/task', detail: error.message }]
      faults.push(...found.map(fault => ({ ...fault, pointer: `/runs/${index}${fault.pointer}` })))
      return []
    }
  })
  if (faults.length > 0) throw notAdded(faults)
  return runs
}

/** Maps the pointers of an engine error, such as `/3/after`, to the request. Other errors are returned unchanged. */
export function withPointers (error: unknown, pointerOf: (pointer: string) => string): unknown {
  if (!(error instanceof OffpeakError) || error.errors === undefined) return error
  return notAdded(error.errors.map(fault => ({ ...fault, pointer: pointerOf(fault.pointer) })))
}
