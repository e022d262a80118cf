import type { Command } from 'commander'
import type { NewOptions } from '../scaffold/new.ts'
import { localOptions } from '../remote/options.ts'

/** `new`: another task file. */
export function addNew (program: Command): void {
  localOptions(
    program.command('new <name>').summary('write a task file').description('write a task file into the tasks directory')
  )
    .option('--ts', 'in TypeScript; the default')
    .option('--shell', 'a shell script')
    .option('--python', 'a Python script')
    .option('--json', 'print JSON')
    .action(async (name: string, given: NewOptions) => (await import('../scaffold/new.ts')).newTask(name, given))
}
