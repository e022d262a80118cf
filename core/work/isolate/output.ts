import type { Json } from '../../model/base/json.ts'
import type { TaskLog, TaskProgress } from '../../model/task/context.ts'

/** A line without an end would otherwise be kept for ever. */
const LINE_SIGNS = 64 * 1024
const PERCENT = /^\s*(\d{1,3}(?:\.\d+)?)\s?%\s*$/
const PROGRESS = /^::progress\s+(\d{1,3}(?:\.\d+)?)%?(?:\s+(.*))?$/
const RESULT = /^::result\s+(.+)$/

/** What a script has said as its result. */
export interface Said { result: Json, last: string }

/** Reads the output of a script line by line: `42%` and `::progress 42 text` move the progress, `::result {json}` is the result,
 *  every other line is logged. */
export function outputReader<L extends 'info' | 'warn'> (ctx: { log: Pick<TaskLog, L>, progress: TaskProgress }, level: L): { write (chunk: string): void, end (): Said } {
  let rest = ''
  const said: Said = { result: null, last: '' }
  const line = (text: string) => {
    if (text === '') return
    if (level === 'info' && command(text, ctx, said)) return
    said.last = text.slice(0, 500)
    ctx.log[level](text)
  }
  return {
    write: chunk => {
      const lines = (rest + chunk).split(/\r?\n/)
      rest = lines.pop()!
      lines.forEach(line)
      if (rest.length > LINE_SIGNS) {
        line(rest)
        rest = ''
      }
    },
    end: () => {
      line(rest)
      rest = ''
      return said
    }
  }
}

function command (text: string, { progress }: { progress: TaskProgress }, said: Said): boolean {
  const moved = PERCENT.exec(text) ?? PROGRESS.exec(text)
  if (moved) {
    progress.setTotal(100, '%')
    progress.update(Math.min(100, Number(moved[1])), moved[2])
    return true
  }
  const result = RESULT.exec(text)
  if (!result) return false
  try {
    said.result = JSON.parse(result[1]!) as Json
    return true
  } catch {
    return false
  }
}
