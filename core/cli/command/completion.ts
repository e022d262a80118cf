import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { COMPLETION_SCRIPTS } from '../complete/scripts.ts'
import { completionsOf } from '../complete/candidates.ts'
import { nearest } from '../../model/base/nearest.ts'
import { print } from '../terminal/output.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

const PATIENCE_MS = 1500

/** Prints what the last word may become, one a line; `described`: with a tab and what it is. */
async function printWords (program: Command, words: readonly string[], isDescribed: boolean): Promise<never> {
  // A shell that waits for a server that does not answer looks dead.
  const found = await Promise.race([completionsOf(program, words).catch(() => []), wait(PATIENCE_MS, [])])
  for (const { word, what } of found) print(isDescribed && what !== '' ? `${word}\t${what}` : word)
  return process.exit()
}

async function completion (program: Command, shell: string, words: readonly string[]): Promise<void> {
  if (shell === 'words' || shell === 'described') return await printWords(program, words, shell === 'described')
  const script = COMPLETION_SCRIPTS[shell]
  if (script === undefined) {
    const shells = Object.keys(COMPLETION_SCRIPTS)
    const near = nearest(shell, shells)
    throw usageInvalid(`'${shell.slice(0, 40)}' is not a shell: expected ${shells.join(', ')}`,
      near === null ? undefined : `Did you mean '${near}'?`)
  }
  print(script)
}

/** `completion`: a script with which a shell completes commands, options, tasks and runs. */
export function addCompletion (program: Command): void {
  program.command('completion <shell> [words...]').usage('<bash|zsh|fish>').summary(
    'complete words in bash, zsh or fish'
  )
    .description(
      'print a script with which bash, zsh or fish completes commands, options, tasks and runs: ' +
        'source <(offpeak completion bash), or offpeak completion fish | source'
    )
    .action(async (shell: string, words: string[]) => await completion(program, shell, words))
}
