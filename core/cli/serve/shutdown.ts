import { isatty } from 'node:tty'
import { SECOND } from '../../model/base/duration.ts'
import { endProcess } from './end-process.ts'
import { keepCompiled } from './compile-cache.ts'
import { originOf } from '../../work/context/uncaught.ts'

const SIGNALS = [['SIGTERM', 143], ['SIGINT', 130]] as const
/** Time beyond the grace of running runs, for the last writes. */
const SLACK = 15 * SECOND

interface ShutdownAsk {
  /** Ends everything; the process then exits with 0. */
  close: () => Promise<void>
  /** Reads the configuration again. */
  reload: () => Promise<void>
  /** How long running runs may take to end. */
  graceMs: () => number
  /** Called when the shutdown begins. */
  ending: () => void
  /** Called once, when the process exits. */
  last: () => void
  failed: (error: unknown) => void
}

/** Keeps the process running after uncaught errors of unknown origin: acknowledged work is stored, and other runs
 *  continue. */
export function surviveUncaught (failed: (error: unknown) => void): void {
  const caught = (error: unknown) => {
    if (originOf() === null) failed(error)
  }
  process.on('uncaughtException', caught)
  process.on('unhandledRejection', caught)
}

/** npm sends its scripts the INT that the terminal has already sent to all of them: that is one Ctrl-C. */
const ECHO = process.env['npm_lifecycle_event'] === undefined ? 0 : SECOND

/** Returns a function that tells whether the terminal of this process is gone; false if it had none. */
function terminalWatch (): () => boolean {
  const terminals = [0, 1, 2].filter(isatty)
  return () => terminals.length > 0 && !terminals.some(isatty)
}

/** The first TERM or INT ends gracefully, the second at once, HUP reads the configuration again, or ends gracefully
 *  when the terminal was closed. Returns a function that shuts down with another exit code. */
export function shutDownOnSignals (
  { close, reload, graceMs, ending: begun, last, failed }: ShutdownAsk
): (code: number) => void {
  let ending = false
  let endingAt = 0
  const isTerminalGone = terminalWatch()
  async function end (code: number) {
    ending = true
    endingAt = performance.now()
    begun()
    setTimeout(() => endProcess(1), graceMs() + SLACK).unref()
    await close().catch(error => {
      failed(error)
      endProcess(1)
    })
    await keepCompiled()
    endProcess(code)
  }
  for (const [signal, code] of SIGNALS) {
    process.on(signal, () => {
      if (!ending) return void end(0)
      if (signal !== 'SIGINT' || performance.now() - endingAt >= ECHO) endProcess(code)
    })
  }
  process.on('SIGHUP', () => {
    if (!isTerminalGone()) return void reload().catch(failed)
    if (!ending) void end(0)
  })
  process.on('exit', last)
  return code => {
    if (!ending) void end(code)
  }
}
