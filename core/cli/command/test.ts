import type { Command } from 'commander'
import type { TestOptions } from '../local/test.ts'
import { localOptions } from '../remote/options.ts'

/** `test`: runs a task once without a server. */
export function addTest (program: Command): void {
  localOptions(
    program.command('test <file>').summary('run a task once, without a server').description(
      'run a task of a file once in this process, outside the queue; exit codes as for `run --wait`'
    )
  )
    .option('--task <id>', 'which task, when the file defines several')
    .option('-p, --payload <json>', 'payload of the run (ctx.payload): JSON, @file, or - for standard input')
    .option('--json', 'print JSON')
    .action(async (file: string, given: TestOptions) => (await import('../local/test.ts')).test(file, given))
}
