import { Option } from 'commander'
import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { PRIORITIES } from '../../model/run/run.ts'
import { instant, remoteOptions } from '../remote/options.ts'
import { payloadOf } from '../input/json.ts'
import { printRun } from '../terminal/print-run.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

interface EditOptions extends RemoteOptions {
  priority?: string
  payload?: string
  due?: string
}

async function edit (word: string, { priority, payload: text, due, ...given }: EditOptions): Promise<void> {
  const payload = await payloadOf(text)
  const change = {
    ...priority !== undefined && { priority },
    ...payload !== undefined && { payload },
    ...due !== undefined && { due_at: due }
  }
  if (Object.keys(change).length === 0) {
    throw usageInvalid('there is nothing to change', 'Give --priority, --payload or --due.')
  }
  const client = await Client.find(given)
  printRun(await client.patch<RunAnswer>(`/api/runs/${await findRun(client, word)}`, change), given)
}

/** `edit`: changes a waiting run. */
export function addEdit (program: Command): void {
  remoteOptions(program.command('edit <task|run>').summary('change a waiting run').description('change a waiting run'))
    .addOption(new Option('--priority <priority>', 'new priority').choices(PRIORITIES))
    .option('--payload <json>', 'new payload: JSON, @file, or - for standard input')
    .option('--due <instant>', "new due time, such as 'tomorrow 03:00' or 2026-11-22T03:00+01:00", instant('--due'))
    .action(edit)
}
