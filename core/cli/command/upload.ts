import type { Command } from 'commander'
import type { AskGiven } from '../terminal/enqueue-options.ts'
import type { Remote } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { remote } from '../remote/options.ts'
import { say, sayJson } from '../terminal/output.ts'

type UploadGiven = Remote & AskGiven & { name?: string, task?: string, wait?: boolean, follow?: boolean }

async function upload (file: string, { name, task, ...given }: UploadGiven): Promise<void> {
  if (task !== undefined) {
    const { runNow } = await import('./run.ts')
    return await runNow(task, { ...given, file, ...name !== undefined && { name } })
  }
  const { sendFile } = await import('../terminal/send-file.ts')
  const stored = await sendFile(await Client.find(given), file, name)
  if (given.json) return sayJson(stored)
  say(stored.path)
}

/** `upload`: a file for a task. */
export function addUpload (program: Command): void {
  remote(
    program.command('upload <file>').description(
      'send a file, or - for standard input, to the server as it is read; says where it lies there'
    )
  )
    .option('--name <name>', 'what it is called there; its own name when absent')
    .option('--task <id>', 'run this task with it: its place is the `path` of the payload')
    .option('-p, --payload <json>', 'what else the task finds in ctx.payload: JSON, or @file')
    .option('-w, --wait', 'wait until the run is over; the exit code is that of `run --wait`')
    .option('-f, --follow', 'wait, and write its log to standard error')
    .action(upload)
}
