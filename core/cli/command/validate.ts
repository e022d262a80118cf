import type { Command } from 'commander'
import type { RestoreGiven } from '../local/restore.ts'
import type { PreviewGiven } from '../local/preview.ts'
import type { TestGiven } from '../local/test.ts'
import type { ValidateGiven } from '../local/validate.ts'
import { local, whole } from '../remote/options.ts'

/** `validate`, `preview`, `test` and `restore`: what can be done without a server. */
export function addChecks (program: Command): void {
  local(
    program.command('validate').description(
      'check the configuration and every task file; exit code 78 or 1 when something is wrong'
    )
  )
    .option('--json', 'answer in JSON')
    .action(async (given: ValidateGiven) => (await import('../local/validate.ts')).validate(given))
  local(program.command('preview <task>').description('the next fires of a task, or of a crontab string'))
    .option('--count <count>', 'how many', whole('--count', 1, 1000), 5)
    .option('--timezone <zone>', 'the zone of the crontab string; your own when absent')
    .option('--json', 'answer in JSON')
    .action(async (what: string, given: PreviewGiven) => (await import('../local/preview.ts')).preview(what, given))
  local(
    program.command('test <file>').description(
      'run a task of a file once in this process, outside the queue; the exit code is that of `run --wait`'
    )
  )
    .option('--task <id>', 'which, when the file defines several')
    .option('-p, --payload <json>', 'what the task finds in ctx.payload: JSON, @file, or - for standard input')
    .option('--json', 'answer in JSON')
    .action(async (file: string, given: TestGiven) => (await import('../local/test.ts')).test(file, given))
  local(
    program.command('restore [archive]').description('list the backups of backup_data, or restore one into a folder')
  )
    .option('--from <folder>', 'where the backups lie; as backup_data is set up when absent')
    .option('--into <folder>', 'where to restore to')
    .option('--only <paths...>', 'only these paths, folders or globs')
    .option('--replace', 'replace files that are there')
    .option('--json', 'answer in JSON')
    .action(async (archive: string | undefined, given: RestoreGiven) =>
      (await import('../local/restore.ts')).restore(archive, given)
    )
}
