import { Command } from 'commander'
import { VERSION } from './version.ts'
import { addActs } from './cli/act.ts'
import { addChecks } from './cli/check.ts'
import { addLists } from './cli/tasks.ts'
import { addRuns } from './cli/run.ts'
import { addStart } from './cli/start.ts'
import { addTest } from './cli/test.ts'
import { complain } from './cli/say.ts'

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
  for (const add of [addStart, addLists, addChecks, addRuns, addActs, addTest]) add(program)
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exitCode = complain(error)
    // What was started before it went wrong must not keep the process.
    process.exit()
  }
}
