import type { Command } from 'commander'
import type { Many } from './run-filter.ts'
import type { Remote } from '../remote/options.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { complain, say, sayJson } from './output.ts'
import { durationOf } from './enqueue-options.ts'
import { stateWords } from './run-words.ts'
import { filtered, manyOf } from './run-filter.ts'
import { remote } from '../remote/options.ts'
import { runRows } from '../command/tasks.ts'

export interface Counted {
  matched: number
  changed: number
  dry_run?: boolean
  vanished?: number
  refused?: number
  runs?: RunAnswer[]
}

/** What was counted, or done: `2 runs are cancelled`, `10 of 200 runs would be deleted`. */
export function tellCount (
  { matched, changed, dry_run: dry = false, vanished = 0, refused = 0, runs = [] }: Counted,
  { verb, limit = Infinity }: { verb: string, limit?: number | undefined }
): void {
  const count = dry ? Math.min(matched, limit) : changed
  const [noun, is] = count === 1 && matched <= limit ? ['run', 'is'] : ['runs', 'are']
  const rest = [vanished === 0 ? '' : `; ${vanished} of tasks that are no more stay as they are`,
    refused === 0 ? '' : `; ${refused} did not fit into their queue`].join('')
  say(`${count}${matched > limit ? ` of ${matched}` : ''} ${noun} ${dry ? 'would be' : is} ${verb}${rest}`)
  if (runs.length === 0) return
  say(runRows(runs))
  if (count > runs.length) say(`and ${count - runs.length} more`)
}

export interface Each<T> {
  ids: readonly string[]
  act: (id: string) => Promise<T>
  told: (answer: T) => string
  json: boolean | undefined
}

/** Does the same to each run that was named; one that is refused does not keep the others from it. */
export async function eachOf<T> ({ ids, act, told, json }: Each<T>): Promise<void> {
  const answers: T[] = []
  for (const id of ids) {
    try {
      const answer = await act(id)
      answers.push(answer)
      if (!json) say(told(answer))
    } catch (error) {
      if (ids.length === 1) throw error
      process.exitCode = complain(error)
    }
  }
  if (json) sayJson(ids.length === 1 ? answers[0] : answers)
}

interface Doing extends Remote, Many {
  reason?: string
  every?: string
}

async function toAll (
  act: 'cancel' | 'retry' | 'delete',
  verb: string,
  { reason, every, ...given }: Doing
): Promise<void> {
  const body = manyOf({ verb: act, given })
  const client = await Client.find(given)
  const counted = await client.post<Counted>(`/api/runs/${act}`, {
    ...body,
    ...reason !== undefined && { reason },
    ...every !== undefined && { every: durationOf(every) }
  })
  if (given.json) return sayJson(counted)
  tellCount(counted, { verb, limit: given.limit })
}

const endWords = ({ id, state }: RunAnswer) =>
  state === 'cancelled' ? `${id} ${stateWords('cancelled')}` : `${id} was asked to stop`

async function cancel (ids: string[], given: Doing): Promise<void> {
  if (manyOf({ verb: 'cancel', ids, given }) !== null) return await toAll('cancel', 'cancelled', given)
  const client = await Client.find(given)
  const end = (id: string) =>
    client.post<RunAnswer>(`/api/runs/${encodeURIComponent(id)}/cancel`,
      given.reason === undefined ? {} : { reason: given.reason })
  await eachOf({ ids, act: end, told: endWords, json: given.json })
}

/** Queues one finished run again. */
export const again = (client: Client) => (id: string): Promise<RunAnswer> =>
  client.post(`/api/runs/${encodeURIComponent(id)}/retry`)

async function retry (ids: string[], given: Doing): Promise<void> {
  if (manyOf({ verb: 'retry', ids, given }) !== null) return await toAll('retry', 'queued again', given)
  const client = await Client.find(given)
  await eachOf({ ids, act: again(client), told: run => `${run.id} ${stateWords(run.label)}`, json: given.json })
}

async function remove (ids: string[], given: Doing): Promise<void> {
  if (manyOf({ verb: 'delete', ids, given }) !== null) return await toAll('delete', 'deleted', given)
  const client = await Client.find(given)
  const query = given.reason === undefined ? '' : `?${new URLSearchParams({ reason: given.reason })}`
  const end = async (id: string) => {
    await client.delete(`/api/runs/${encodeURIComponent(id)}${query}`)
    return { id, deleted: true }
  }
  await eachOf({ ids, act: end, told: ({ id }) => `${id} is deleted`, json: given.json })
}

/** `cancel`, `retry` and `delete`: of runs by their ids, or of all that a filter names. */
export function addMany (program: Command): void {
  filtered(
    remote(
      program.command('cancel [runs...]').description(
        'end waiting runs, and tell running ones to stop: by id, or all that are not over of a filter'
      )
    )
      .option('--reason <text>', 'why')
  )
    .action(cancel)
  filtered(
    remote(
      program.command('retry [runs...]').description('queue finished runs again: by id, or all that failed of a filter')
    )
  )
    .option('--every <duration>', 'how far apart those of a filter become due')
    .action(retry)
  filtered(
    remote(program.command('delete [runs...]').description('delete runs that are over: by id, or all of a filter'))
      .option('--reason <text>', 'why; it is recorded')
  )
    .action(remove)
}
