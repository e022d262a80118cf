import type { Command } from 'commander'
import type { EjectOptions } from '../scaffold/eject.ts'
import { localOptions } from '../remote/options.ts'

/** `eject`: a copy of a built-in task, to change it. */
export function addEject (program: Command): void {
  localOptions(
    program.command('eject <task>').summary('copy a built-in task to change it').description(
      'copy the source of a built-in task into the tasks directory; the copy takes its place'
    )
  )
    .option('--json', 'print JSON')
    .action(async (id: string, given: EjectOptions) => (await import('../scaffold/eject.ts')).eject(id, given))
}
