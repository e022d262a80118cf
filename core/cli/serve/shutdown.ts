import { SECOND } from '../../model/base/duration.ts'
import { endProcess } from './end-process.ts'
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

/** The first TERM or INT ends gracefully, the second at once, HUP reads the configuration again. Returns a function
 *  that shuts down with another exit code. */
export function shutDownOnSignals (
  { close, reload, graceMs, ending: begun, last, failed }: ShutdownAsk
): (code: number) => void {
  let ending = false
  async function end (code: number) {
    ending = true
    begun()
    setTimeout(() => endProcess(1), graceMs() + SLACK).unref()
    await close().catch(error => {
      failed(error)
      endProcess(1)
    })
    endProcess(code)
  }
  for (const [signal, code] of SIGNALS) {
    process.on(signal, () => {
      if (ending) endProcess(code)
      void end(0)
    })
  }
  process.on('SIGHUP', () => void reload().catch(failed))
  process.on('exit', last)
  return code => {
    if (!ending) void end(code)
  }
}
