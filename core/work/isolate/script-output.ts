import { RESULT_LIMITS } from '../../model/json/json.ts'
import { lineReader } from '../context/line-reader.ts'
import type { Json } from '../../model/json/json.ts'
import type { TaskLog, TaskProgress } from '../../model/task/context.ts'

/** The beginning of a line that may be as long as a result. */
const RESULT_MARK = '::result '
const LONGEST_RESULT = RESULT_LIMITS.bytes + RESULT_MARK.length
const LONGEST_LINE = 64 * 1024
const PERCENT = /^\s*(\d{1,3}(?:\.\d+)?)\s?%\s*$/
const PROGRESS = /^::progress\s+(\d{1,3}(?:\.\d+)?)%?(?:\s+(.*))?$/
const RESULT = /^::result\s+(.+)$/

const longestOf = (start: string) => start.startsWith(RESULT_MARK) ? LONGEST_RESULT : LONGEST_LINE

/** The output of a script. `last`: its last logged line; `unkept`: why the result that it wrote is not kept, or
 *  null. */
export interface ScriptOutput {
  result: Json
  last: string
  unkept: string | null
}

/** Reads the output of a script line by line: `42%` and `::progress 42 text` set the progress, `::result {json}` sets
 *  the result, other lines are logged. */
export function outputReader<L extends 'info' | 'warn'> (
  ctx: { log: Pick<TaskLog, L>, progress: TaskProgress },
  level: L
): { write(chunk: string): void, end(): ScriptOutput } {
  const found: ScriptOutput = { result: null, last: '', unkept: null }
  const line = (text: string) => {
    if (text === '') return
    if (level === 'info' && command(text, ctx, found)) return
    found.last = text.slice(0, 500)
    ctx.log[level](text)
  }
  const { write, end } = lineReader(line, longestOf)
  return {
    write,
    end: () => {
      end()
      return found
    }
  }
}

function command (text: string, { progress }: { progress: TaskProgress }, found: ScriptOutput): boolean {
  const moved = PERCENT.exec(text) ?? PROGRESS.exec(text)
  if (moved) {
    progress.setTotal(100, '%')
    progress.update(Math.min(100, Number(moved[1])), moved[2])
    return true
  }
  const result = RESULT.exec(text)
  return result !== null && isKept(result[1]!, found)
}

function isKept (text: string, found: ScriptOutput): boolean {
  try {
    found.result = JSON.parse(text) as Json
    found.unkept = null
    return true
  } catch (error) {
    found.unkept = Buffer.byteLength(text) >= RESULT_LIMITS.bytes
      ? `its result was not kept: it is more than ${RESULT_LIMITS.bytes} bytes of JSON`
      : `its result was not kept: it is not JSON: ${(error as Error).message.slice(0, 200)}`
    return false
  }
}
