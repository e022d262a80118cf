import type { Command } from 'commander'
import type { RestoreOptions } from '../local/restore.ts'
import { localOptions } from '../remote/options.ts'

/** `restore`: backups that `backup_data` has made. */
export function addRestore (program: Command): void {
  localOptions(
    program.command('restore [archive]').summary('list backups, or restore one').description(
      'list the backups of backup_data, or restore one into a folder'
    )
  )
    .option('--from <folder>', 'folder of the backups; default: the target of backup_data')
    .option('--into <folder>', 'folder to restore into')
    .option('--only <paths...>', 'restore these paths, folders or globs')
    .option('--replace', 'replace existing files')
    .option('--json', 'print JSON')
    .action(async (archive: string | undefined, given: RestoreOptions) =>
      (await import('../local/restore.ts')).restore(archive, given)
    )
}
