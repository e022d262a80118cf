import { Command } from 'commander'
import { VERSION } from './version.ts'
import { addActs } from './cli/act.ts'
import { addChecks } from './cli/check.ts'
import { addDead } from './cli/dead.ts'
import { addEnqueue } from './cli/enqueue.ts'
import { addForecast } from './cli/forecast.ts'
import { addLists } from './cli/tasks.ts'
import { addMany } from './cli/many.ts'
import { addPauses } from './cli/pause.ts'
import { addQueues } from './cli/queue.ts'
import { addReadings } from './cli/readings.ts'
import { addRuns } from './cli/run.ts'
import { addSignal } from './cli/signal.ts'
import { addSimulate } from './cli/simulate.ts'
import { addStats } from './cli/stats.ts'
import { addStart } from './cli/start.ts'
import { addTimeline } from './cli/timeline.ts'
import { addTop } from './cli/top.ts'
import { addUpload } from './cli/upload.ts'
import { addWhy } from './cli/why.ts'
import { complain } from './cli/say.ts'

/** In the order of the help. What is heavy is loaded by the command that needs it: a word on the command line must not wait for the manager. */
const COMMANDS = [addStart, addLists, addWhy, addForecast, addSimulate, addPauses, addQueues, addDead, addSignal, addReadings, addTop, addStats, addTimeline, addChecks, addRuns, addEnqueue, addUpload, addMany, addActs]

/** Does what the words of a command line ask; never throws, and sets the exit code. */
export async function main (argv: readonly string[]): Promise<void> {
  // Whoever reads our output may have read enough.
  process.stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1))
  const program = new Command('offpeak')
    .description('Background tasks that run when the machine can afford them')
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
  for (const add of COMMANDS) add(program)
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exitCode = complain(error)
    // What was started before it went wrong must not keep the process.
    process.exit()
  }
}
