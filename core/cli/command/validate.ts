import type { Command } from 'commander'
import type { ValidateOptions } from '../local/validate.ts'
import { localOptions } from '../remote/options.ts'

/** `validate`: checks configuration and task files. */
export function addValidate (program: Command): void {
  localOptions(
    program.command('validate').summary('check the configuration and the task files').description(
      'check the configuration and every task file; exit code 0: valid, 1: faults, 78: invalid configuration'
    )
  )
    .option('--json', 'print JSON')
    .action(async (given: ValidateOptions) => (await import('../local/validate.ts')).validate(given))
}
