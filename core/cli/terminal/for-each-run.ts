import { print, printJson, reportError } from './output.ts'

interface ForEachRun<T> {
  ids: readonly string[]
  act: (id: string) => Promise<T>
  /** The line that is printed for an answer. */
  line: (answer: T) => string
  json: boolean | undefined
}

/** Does the same to each named run and prints the answers. One refusal does not stop the others; it sets the exit
 *  code. */
export async function forEachRun<T> ({ ids, act, line, json }: ForEachRun<T>): Promise<void> {
  const answers: T[] = []
  for (const id of ids) {
    try {
      const answer = await act(id)
      answers.push(answer)
      if (!json) print(line(answer))
    } catch (error) {
      if (ids.length === 1) throw error
      process.exitCode = reportError(error)
    }
  }
  if (json) printJson(ids.length === 1 ? answers[0] : answers)
}
