import type { Command } from 'commander'
import type { QueueView } from '../../work/desk/queues.ts'
import type { Remote } from '../remote/options.ts'
import type { RequestedAnswer, RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { PRIORITIES } from '../../model/run/run.ts'
import { agoWords, durationWords, stateWords, timeWords } from '../terminal/run-words.ts'
import { Option } from 'commander'
import { eachOf } from '../terminal/bulk-change.ts'
import { instant, remote } from '../remote/options.ts'
import { jsonOf, payloadOf } from '../terminal/json.ts'
import { tellPassed } from '../terminal/bypassed.ts'
import { plain, say, sayJson } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'
import { usageInvalid } from '../../model/base/errors.ts'

const ofMost = (count: number, most: number | null) => most === null ? String(count) : `${count} of ${most}`

function queueRow ({ name, depth, max_length: max, running, concurrency, rate, paused, oldest }: QueueView): string[] {
  const pause = paused === null
    ? ''
    : `by ${paused.by}${paused.until === null ? '' : ` until ${timeWords(paused.until)}`}${
      paused.reason === null ? '' : `: ${paused.reason}`
    }`
  return [name, ofMost(depth, max), ofMost(running, concurrency),
    rate === null ? '-' : `${rate.limit} in ${durationWords(rate.per)}, ${rate.left} left`,
    oldest === null ? '-' : agoWords(oldest), pause || '-']
}

async function listQueues (name: string | undefined, given: Remote): Promise<void> {
  const client = await Client.find(given)
  const answer = await client.get<QueueView | QueueView[]>(
    name === undefined ? '/api/queues' : `/api/queues/${encodeURIComponent(name)}`
  )
  if (given.json) return sayJson(answer)
  const queues = [answer].flat()
  say(
    queues.length === 0
      ? 'There are no queues.'
      : table(['QUEUE', 'WAITING', 'RUNNING', 'RATE', 'OLDEST DUE', 'PAUSED'], queues.map(queueRow))
  )
}

interface EditGiven extends Remote {
  priority?: string
  payload?: string
  due?: string
}

async function edit (id: string, { priority, payload: text, due, ...given }: EditGiven): Promise<void> {
  const payload = await payloadOf(text)
  const change = {
    ...priority !== undefined && { priority },
    ...payload !== undefined && { payload },
    ...due !== undefined && { due_at: due }
  }
  if (Object.keys(change).length === 0) {
    throw usageInvalid('nothing is to be changed', 'Say what: --priority, --payload or --due.')
  }
  const client = await Client.find(given)
  tellRun(await client.patch<RunAnswer>(`/api/runs/${encodeURIComponent(id)}`, change), given)
}

async function promote (id: string, given: Remote): Promise<void> {
  const client = await Client.find(given)
  tellRun(await client.post<RunAnswer>(`/api/runs/${encodeURIComponent(id)}/promote`), given)
}

async function startNow (ids: string[], given: Remote): Promise<void> {
  const client = await Client.find(given)
  const start = async (id: string) => {
    const run = await client.post<RequestedAnswer>(`/api/runs/${encodeURIComponent(id)}/now`)
    tellPassed(run)
    return run
  }
  await eachOf({
    ids,
    act: start,
    told: ({ id, held, label }) =>
      held === null ? `${id} starts now` : plain(`${id} ${stateWords(label)}: ${held.message}`),
    json: given.json
  })
}

function tellRun (run: RunAnswer, { json }: Remote): void {
  if (json) return sayJson(run)
  say(`${run.id} ${stateWords(run.label)}, ${run.priority}, due ${timeWords(run.due_at)}`)
}

interface FlowAnswer {
  runs: { id: string, ref: string | null, task: string, state: string }[]
}

async function flow (file: string, given: Remote): Promise<void> {
  const said = await jsonOf(file)
  const client = await Client.find(given)
  const answer = await client.post<FlowAnswer>('/api/flows', Array.isArray(said) ? { runs: said } : said)
  if (given.json) return sayJson(answer)
  say(
    table(['RUN', 'REF', 'TASK', 'STATE'], answer.runs.map(({ id, ref, task, state }) => [id, ref ?? '-', task, state]))
  )
}

/** `queues`, `edit`, `promote`, `now` and `flow`. */
export function addQueues (program: Command): void {
  remote(program.command('queues [queue]').description('list the queues, or one: what waits, what runs, their limits'))
    .action(listQueues)
  remote(program.command('edit <run>').description('change a run that waits'))
    .addOption(new Option('--priority <priority>', 'how urgent it is').choices(PRIORITIES))
    .option('--payload <json>', 'what it is given: JSON, @file, or - for standard input')
    .option('--due <instant>', 'when it is due, such as 2026-11-22T03:00+01:00', instant('--due'))
    .action(edit)
  remote(
    program.command('flow <file>').description(
      'add runs that wait for each other, from a JSON file or - for standard input'
    )
  ).action(flow)
  remote(program.command('promote <run>').description('make a waiting run due now; it is held as before')).action(
    promote
  )
  remote(
    program.command('now <runs...>').description(
      'start waiting runs now, whatever load, power and comfort say: not past safety, slots and pauses'
    )
  ).action(startNow)
}
