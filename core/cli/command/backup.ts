import type { Command } from 'commander'
import type { BackupOptions } from '../local/backup-data.ts'
import { localOptions } from '../remote/options.ts'

/** `backup`: a copy of the data folder. */
export function addBackup (program: Command): void {
  localOptions(
    program.command('backup <folder>').description('copy the data folder into a new folder, also while a server runs')
  )
    .option('--json', 'print JSON')
    .action(async (folder: string, given: BackupOptions) =>
      (await import('../local/backup-data.ts')).backupData(folder, given)
    )
}
