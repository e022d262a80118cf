import { Command } from 'commander'
import { VERSION } from './version.ts'
import { orderedWords } from './cli/input/command-line.ts'
import { addStart } from './cli/command/start.ts'
import { announceWith } from './cli/remote/announce.ts'
import { withheldWords } from './cli/remote/withheld.ts'
import { plain, reportError, guardStreams, printNote } from './cli/terminal/output.ts'

/** Adds the commands. The server runs for months and does not load the other ones. */
async function addCommands (program: Command, word: string | undefined): Promise<void> {
  if (word === 'start') return addStart(program)
  const [{ GROUPS }, { addExamples, HELP }] = await Promise.all([import('./cli/commands.ts'),
    import('./cli/terminal/help.ts')])
  program.configureHelp(HELP)
  for (const [heading, commands] of Object.entries(GROUPS)) {
    program.commandsGroup(`${heading}:`)
    for (const add of commands) add(program)
  }
  program.helpCommand('help [command]', 'print this, or the help of a command')
  addExamples(program)
}

/** Reports once that answers had members withheld. */
function printWithheld (): void {
  const words = withheldWords()
  if (words !== null) printNote(`offpeak: ${words}`)
}

/** Runs a command line; never throws, and sets the exit code. */
export async function main (argv: readonly string[]): Promise<void> {
  guardStreams()
  announceWith(words => printNote(plain(words)))
  // A reader such as `head` may close the pipe early.
  process.stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1))
  const words = orderedWords(argv.slice(2))
  const program = new Command('offpeak')
    .description('Background tasks that run when the machine can afford them')
    .version(VERSION, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('  Add --help to see its arguments and options.')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'offpeak: ')) })
  try {
    await addCommands(program, words[0])
    await program.parseAsync(words, { from: 'user' })
    printWithheld()
  } catch (error) {
    process.exitCode = reportError(error)
    // The remains of a failed start must not keep the process alive.
    if (words[0] === 'start') (await import('./cli/serve/end-process.ts')).endProcess(Number(process.exitCode))
    process.exit()
  }
}
