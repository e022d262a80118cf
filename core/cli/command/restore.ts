import type { Command } from 'commander'
import type { RestoreOptions } from '../local/restore.ts'
import { localOptions } from '../remote/options.ts'

/** `restore`: backups of the data folder, and those that `backup_data` has made. */
export function addRestore (program: Command): void {
  localOptions(
    program.command('restore [archive]').summary('list backups, or restore one').description(
      'restore a file or folder of `offpeak backup` into the data folder, or a backup of backup_data into a folder; ' +
        'without an archive list the backups of backup_data'
    )
  )
    .option('--from <folder>', 'folder of the backups; default: the target of backup_data')
    .option('--into <folder>', 'folder to restore into; default for a file of `offpeak backup`: the data folder')
    .option('--only <paths...>', 'restore these paths, folders or globs')
    .option('--replace', 'replace existing files')
    .option('--json', 'print JSON')
    .action(async (archive: string | undefined, given: RestoreOptions) =>
      (await import('../local/restore.ts')).restore(archive, given)
    )
}
