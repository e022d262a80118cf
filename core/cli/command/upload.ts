import type { Command } from 'commander'
import type { EnqueueOptions } from '../input/enqueue-options.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { remoteOptions } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'

type UploadOptions = RemoteOptions & EnqueueOptions & { name?: string, task?: string, wait?: boolean, follow?: boolean }

async function upload (file: string, { name, task, ...given }: UploadOptions): Promise<void> {
  if (task !== undefined) {
    const { runNow } = await import('./run.ts')
    return await runNow(task, { ...given, file, ...name !== undefined && { name } })
  }
  const { sendFile } = await import('../terminal/send-file.ts')
  const stored = await sendFile(await Client.find(given), file, name)
  if (given.json) return printJson(stored)
  print(stored.path)
}

/** `upload`: sends a file to the server, for a task. */
export function addUpload (program: Command): void {
  remoteOptions(
    program.command('upload <file>').summary('send a file to the server').description(
      'send a file, or - for standard input, to the server and print its path there'
    )
  )
    .option('--name <name>', 'name of the file on the server; default: its own name')
    .option('--task <id>', 'run this task with it: the `path` of the payload is that of the file')
    .option('-p, --payload <json>', 'other members of the payload (ctx.payload): JSON, or @file')
    .option('-w, --wait', 'wait until the run ends; exit codes as for `run --wait`')
    .option('-f, --follow', 'wait, and print its log to standard error')
    .action(upload)
}
