import type { Command } from 'commander'
import type { PreviewOptions } from '../local/preview.ts'
import { remoteOptions, wholeNumber } from '../remote/options.ts'

/** `preview`: the next fires of a trigger. */
export function addPreview (program: Command): void {
  remoteOptions(
    program.command('preview <task>').summary('show the next fires of a task or crontab').description(
      'show the next fires of a task, or of a crontab string'
    )
  )
    .option('--count <count>', 'how many', wholeNumber('--count', 1, 1000), 5)
    .option('--timezone <zone>', 'time zone of the crontab string; default: the local one')
    .action(async (what: string, given: PreviewOptions) => (await import('../local/preview.ts')).preview(what, given))
}
