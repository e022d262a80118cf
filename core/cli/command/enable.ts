import type { Command } from 'commander'
import { remoteOptions } from '../remote/options.ts'
import { switchTask } from '../local/switch-task.ts'

/** `enable`: the triggers of a task start runs again. */
export function addEnable (program: Command): void {
  remoteOptions(
    program.command('enable <task>').summary('enable a task').description('enable a task; works without a server too')
  )
    .action(switchTask(true))
}
