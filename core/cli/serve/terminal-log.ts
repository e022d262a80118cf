import { eventLine, noteLine } from './event-line.ts'
import { createLog, levelName, levelOf, output } from '../../log.ts'
import type { Listener, Notice } from '../../model/notice.ts'

const WARN = 40

/** Notices that the summary at the start shows instead. */
const SUMMARIZED: readonly Notice['kind'][] = ['task_added', 'file_broken', 'insecure', 'config_warning']

interface Fields {
  level: number
  msg?: string
  err?: { message?: string }
}

/** Lines of text for a terminal, in the place of JSON records. */
export interface TerminalLog {
  /** For records that are not notices, such as errors of requests. */
  log: ReturnType<typeof createLog>
  listener: Listener
  /** Writes a line about offpeak itself. */
  note: (word: string, detail: string) => void
}

interface TerminalLogOptions {
  level: string
  redact?: readonly string[]
  now?: () => number
  write?: (line: string) => void
}

/** Writes one line for each notice, except what the summary at the start shows. */
export function terminalLog (
  { level, redact = [], now = Date.now, write = line => void output.write(`${line}\n`) }: TerminalLogOptions
): TerminalLog {
  const log = createLog({
    level,
    redact,
    destination: {
      write (record) {
        const { level: number, msg = '', err } = JSON.parse(record) as Fields
        if (number >= WARN) {
          write(noteLine(levelName(number), err?.message === undefined ? msg : `${msg}: ${err.message}`, now()))
        }
      }
    }
  })
  let isUp = false
  const listener: Listener = notice => {
    if (notice.kind === 'started') isUp = true
    // A start is a step that a reader waits for; in JSON it is one record too many.
    const own = notice.kind === 'claimed' ? 'info' : levelOf(notice)
    if (!log.isLevelEnabled(own) || (!isUp && SUMMARIZED.includes(notice.kind))) return
    const line = eventLine(notice, own, now())
    if (line !== null) write(line)
  }
  return { log, listener, note: (word, detail) => write(noteLine(word, detail, now())) }
}
