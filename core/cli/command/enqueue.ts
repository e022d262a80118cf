import type { Command } from 'commander'
import type { EnqueueOptions } from '../input/enqueue-options.ts'
import type { Detail } from '../../model/errors/errors.ts'
import type { RemoteOptions } from '../remote/options.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { enqueueBody, enqueueOptions, withDependencies } from '../input/enqueue-options.ts'
import { jsonIn, textOf } from '../input/json.ts'
import { remoteOptions } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'

type Options = RemoteOptions & EnqueueOptions & { bulk?: string }

/** One run of a file, and its place there. */
interface FileRun {
  run: Record<string, unknown>
  where: string
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function objectOf (value: unknown, where: string): FileRun {
  if (!isPlain(value)) {
    throw usageInvalid(`${where} is not a run`, 'A run is an object such as {"task": "hello", "payload": 1}.')
  }
  return { run: value, where }
}

/** The runs of a text: one object per line, or one list. */
function runsIn (text: string, name: string): FileRun[] {
  if (text.trimStart().startsWith('[')) {
    return (jsonIn(text, { name, line: 1 }) as unknown[]).map((value, index) =>
      objectOf(value, `${name}, run ${index + 1},`)
    )
  }
  return text.split('\n').flatMap((line, index) =>
    line.trim() === '' ? [] : [objectOf(jsonIn(line, { name, line: index + 1 }), `${name}:${index + 1}`)]
  )
}

/** The error with places in the file instead of places in the body. */
function placed (error: unknown, runs: readonly FileRun[]): unknown {
  if (!(error instanceof OffpeakError)) return error
  const { code, statusCode: status, fix } = error
  if (code === 'OFFPEAK_BODY_TOO_LARGE') {
    return new OffpeakError({
      code,
      status,
      message: `the ${runs.length} runs are too large for one request; nothing was added`,
      fix: 'Split the file, such as with split -l 1000.'
    })
  }
  if (error.errors === undefined) return error
  const errors = error.errors.map(({ pointer, detail }): Detail => {
    const [, index, rest = ''] = /^\/runs\/(\d+)(.*)$/.exec(pointer) ?? []
    return {
      pointer: index === undefined ? `the ${runs.length} runs:` : `${runs[Number(index)]!.where} ${rest}`.trimEnd(),
      detail
    }
  })
  const [first] = errors
  const message = errors.length === 1
    ? `${first!.pointer} ${first!.detail}; nothing was added`
    : `${errors.length} errors; nothing was added`
  return new OffpeakError({ code, status, message, fix, errors })
}

/** The options of the command line below those of the run. A run with its own `delay` or `due_at` takes neither from
 *  the command line. */
const overlaid = (all: Record<string, unknown>, run: Record<string, unknown>): Record<string, unknown> => ({
  ...all,
  ...('delay' in run || 'due_at' in run) && { delay: undefined, due_at: undefined },
  ...run
})

interface BulkAnswer {
  added: number
  runs: { id: string, created: boolean }[]
}

async function addAll (task: string | undefined, { bulk: file = '-', ...given }: Options): Promise<void> {
  const checked = await enqueueBody(given)
  const name = file === '-' ? 'standard input' : file
  const written = runsIn(await textOf(file), name)
  if (written.length === 0) throw usageInvalid(`there are no runs in ${name}`)
  const client = await Client.find(given)
  const all = await withDependencies(client, checked)
  const fileRuns = written.map(({ run, where }) => ({
    where,
    run: { ...task !== undefined && { task }, ...overlaid(all, run) }
  }))
  const answer = await client.post<BulkAnswer>('/api/runs/bulk', { runs: fileRuns.map(({ run }) => run) }).catch(
    error => {
      throw placed(error, fileRuns)
    }
  )
  if (given.json) return printJson(answer)
  const { added, runs } = answer
  const existing = runs.length - added
  const rest = existing === 0 ? '' : `; ${existing} already existed`
  print(`${added} ${added === 1 ? 'run is' : 'runs are'} added${rest}`)
}

async function enqueue (task: string | undefined, given: Options): Promise<void> {
  if (given.bulk !== undefined) return await addAll(task, given)
  if (task === undefined) throw usageInvalid('no task is named', 'Name a task, or a file of runs with --bulk.')
  const body = await enqueueBody(given)
  const client = await Client.find(given)
  const path = `/api/tasks/${encodeURIComponent(task)}/runs`
  const run = await client.post<RunAnswer>(path, await withDependencies(client, body))
  if (given.json) return printJson(run)
  print(run.id)
}

/** `enqueue`: adds runs that wait for their turn. */
export function addEnqueue (program: Command): void {
  enqueueOptions(
    remoteOptions(
      program.command('enqueue [task]').summary('add runs that wait for their turn').description(
        'add a run that waits for its turn; with --bulk add many runs, all or none'
      )
    )
  )
    .option('--bulk <file>',
      'add the runs of a file, or - for standard input: one JSON object per line, as in REST, such as ' +
        '{"task": "hello", "payload": 1}; the other options are defaults for all of them')
    .action(enqueue)
}
