import { Command } from 'commander'
import { VERSION } from './version.ts'
import { addStart } from './cli/command/start.ts'
import { withheldWords } from './cli/remote/withheld.ts'
import { reportError, guardStreams, printNote } from './cli/terminal/output.ts'

// The server runs for months and does not load the other commands.
const commandsFor = async (word: string | undefined) =>
  word === 'start' ? [addStart] : (await import('./cli/commands.ts')).COMMANDS

/** Reports once that answers had members withheld. */
function printWithheld (): void {
  const words = withheldWords()
  if (words !== null) printNote(`offpeak: ${words}`)
}

/** Runs a command line; never throws, and sets the exit code. */
export async function main (argv: readonly string[]): Promise<void> {
  guardStreams()
  // A reader such as `head` may close the pipe early.
  process.stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1))
  const program = new Command('offpeak')
    .description('Background tasks that run when the machine can afford them')
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('  Add --help to see its arguments and options.')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'offpeak: ')) })
    .configureHelp({ showGlobalOptions: true })
  for (const add of await commandsFor(argv[2])) add(program)
  try {
    await program.parseAsync(argv)
    printWithheld()
  } catch (error) {
    process.exitCode = reportError(error)
    // The remains of a failed start must not keep the process alive.
    if (argv[2] === 'start') (await import('./cli/serve/end-process.ts')).endProcess(Number(process.exitCode))
    process.exit()
  }
}
