import type { Client } from './client.ts'
import type { RunAnswer } from './answers.ts'
import { findRun } from './find-run.ts'

/** Queues one finished run again. */
export const retryRun = (client: Client) => async (word: string): Promise<RunAnswer> =>
  await client.post(`/api/runs/${await findRun(client, word)}/retry`)
