import type { Command } from 'commander'
import type { InitOptions } from '../scaffold/init.ts'

/** `init`: a folder of one's own. */
export function addInit (program: Command): void {
  program.command('init [folder]').summary('make a folder of your own').description(
    'write config.json, two example tasks and what an editor needs into a folder; keeps every file that exists'
  )
    .option('--json', 'print JSON')
    .action(async (folder: string | undefined, given: InitOptions) =>
      (await import('../scaffold/init.ts')).init(folder, given)
    )
}
