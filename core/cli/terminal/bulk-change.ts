import type { BulkOptions } from '../input/run-filter.ts'
import type { RemoteOptions } from '../remote/options.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { bulkBody } from '../input/run-filter.ts'
import { durationOf } from '../input/enqueue-options.ts'
import { print, printJson } from './output.ts'
import { runTable } from './run-table.ts'

/** How many runs a filter matched and how many of them were changed. */
export interface BulkAnswer {
  matched: number
  changed: number
  dry_run?: boolean
  vanished?: number
  refused?: number
  runs?: RunAnswer[]
}

/** Prints what was changed, or would be: `2 runs are cancelled`, `10 of 200 runs would be deleted`. */
export function printCount (
  { matched, changed, dry_run: dry = false, vanished = 0, refused = 0, runs = [] }: BulkAnswer,
  { verb, limit = Infinity }: { verb: string, limit?: number | undefined }
): void {
  const count = dry ? Math.min(matched, limit) : changed
  const [noun, is] = count === 1 && matched <= limit ? ['run', 'is'] : ['runs', 'are']
  const rest = [vanished === 0 ? '' : `; ${vanished} unchanged, as their tasks no longer exist`,
    refused === 0 ? '' : `; ${refused} did not fit into their queue`].join('')
  print(`${count}${matched > limit ? ` of ${matched}` : ''} ${noun} ${dry ? 'would be' : is} ${verb}${rest}`)
  if (runs.length === 0) return
  print(runTable(runs))
  if (count > runs.length) print(`and ${count - runs.length} more`)
}

/** Options of `cancel`, `retry` and `delete`. */
export interface ChangeOptions extends RemoteOptions, BulkOptions {
  reason?: string
  every?: string
}

interface Change {
  act: 'cancel' | 'retry' | 'delete'
  /** What the changed runs are, such as `queued again`. */
  verb: string
}

/** Changes every run that a filter matches and prints how many. */
export async function changeMatching (
  { act, verb }: Change,
  { reason, every, ...given }: ChangeOptions
): Promise<void> {
  const body = bulkBody({ verb: act, given })
  const client = await Client.find(given)
  const counted = await client.post<BulkAnswer>(`/api/runs/${act}`, {
    ...body,
    ...reason !== undefined && { reason },
    ...every !== undefined && { every: durationOf(every) }
  })
  if (given.json) return printJson(counted)
  printCount(counted, { verb, limit: given.limit })
}
