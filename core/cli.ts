import { asksJson, orderedWords } from './cli/input/command-line.ts'
import { announceWith } from './cli/remote/announce.ts'
import { programFor, withoutVainHelp } from './cli/program.ts'
import { withheldWords } from './cli/remote/withheld.ts'
import { plain, reportError, guardStreams, printNote } from './cli/terminal/output.ts'

/** Reports once that answers had members withheld. */
function printWithheld (): void {
  const words = withheldWords()
  if (words !== null) printNote(`offpeak: ${words}`)
}

/** Ends a command whose output cannot be written. A reader such as `head` may close the pipe early. */
function endOutput (error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(0)
  printNote(plain(`offpeak: standard output cannot be written: ${error.message}`))
  return process.exit(1)
}

/** Runs a command line; never throws, and sets the exit code. */
export async function main (argv: readonly string[]): Promise<void> {
  guardStreams()
  announceWith(words => printNote(plain(words)))
  process.stdout.on('error', endOutput)
  // A note that cannot be written changes nothing about what was done.
  process.stderr.on('error', () => undefined)
  const words = orderedWords(argv.slice(2))
  try {
    const program = await programFor(words[0])
    await program.parseAsync(withoutVainHelp(program, words), { from: 'user' })
    printWithheld()
  } catch (error) {
    process.exitCode = reportError(error, { json: asksJson(words) })
    // The remains of a failed start must not keep the process alive.
    if (words[0] === 'start') (await import('./cli/serve/end-process.ts')).endProcess(Number(process.exitCode))
    process.exit()
  }
}
