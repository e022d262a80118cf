import type { Command } from 'commander'
import type { ImportOptions } from '../convert/import-tasks.ts'
import { localOptions } from '../remote/options.ts'

/** `import`: tasks from a crontab or from timers of systemd. */
export function addImport (program: Command): void {
  localOptions(
    program.command('import <kind> [file]').description(
      'make disabled tasks of a crontab (default: crontab -l) or of systemd timers ' +
        '(default: ~/.config/systemd/user); exit code 1: a line could not be imported'
    )
  )
    .option('--system', 'each line of the crontab names a user, as in /etc/crontab')
    .option('--into <folder>', 'folder of the task files; default: the tasks directory')
    .option('--print', 'print the files instead of writing them')
    .option('--replace', 'write files again that exist')
    .option('--json', 'print JSON')
    .action(async (kind: string, file: string | undefined, given: ImportOptions) =>
      (await import('../convert/import-tasks.ts')).importTasks(kind, file, given)
    )
}
