import type { Command } from 'commander'
import type { BackupOptions } from '../local/backup-data.ts'
import { localOptions } from '../remote/options.ts'

/** `backup`: a copy of the data folder. */
export function addBackup (program: Command): void {
  localOptions(
    program.command('backup <target>').summary('copy the data folder, also while a server runs').description(
      'copy the data folder into a file that ends with .tar.gz, or into a new folder; also while a server runs'
    )
  )
    .option('--json', 'print JSON')
    .action(async (target: string, given: BackupOptions) =>
      (await import('../local/backup-data.ts')).backupData(target, given)
    )
}
