import type { Command } from 'commander'
import { remoteOptions } from '../remote/options.ts'
import { switchTask } from '../local/switch-task.ts'

/** `disable`: the triggers of a task start no runs. */
export function addDisable (program: Command): void {
  remoteOptions(
    program.command('disable <task>').summary('disable a task').description(
      'disable a task; works without a server too'
    )
  )
    .action(switchTask(false))
}
