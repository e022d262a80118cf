import type { Client } from './client.ts'
import type { RunAnswer } from './answers.ts'

/** Queues one finished run again. */
export const retryRun = (client: Client) => (id: string): Promise<RunAnswer> =>
  client.post(`/api/runs/${encodeURIComponent(id)}/retry`)
