import { Command } from 'commander'
import { VERSION } from './version.ts'
import { addStart } from './cli/command/start.ts'
import { withheldWords } from './cli/remote/withheld.ts'
import { complain, guardStreams, tell } from './cli/terminal/output.ts'

// The server stays for months: it does not carry the other commands with it.
const commandsFor = async (word: string | undefined) =>
  word === 'start' ? [addStart] : (await import('./cli/commands.ts')).COMMANDS

/** A null that stands for something is said once, whatever the form of the answer. */
function tellWithheld (): void {
  const words = withheldWords()
  if (words !== null) tell(`offpeak: ${words}`)
}

/** Does what the words of a command line ask; never throws, and sets the exit code. */
export async function main (argv: readonly string[]): Promise<void> {
  guardStreams()
  // Whoever reads our output may have read enough.
  process.stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1))
  const program = new Command('offpeak')
    .description('Background tasks that run when the machine can afford them')
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('  What it takes: the same with --help.')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'offpeak: ')) })
    .configureHelp({ showGlobalOptions: true })
  for (const add of await commandsFor(argv[2])) add(program)
  try {
    await program.parseAsync(argv)
    tellWithheld()
  } catch (error) {
    process.exitCode = complain(error)
    // What was started before it went wrong must not keep the process.
    if (argv[2] === 'start') (await import('./cli/local/end-process.ts')).endProcess(Number(process.exitCode))
    process.exit()
  }
}
