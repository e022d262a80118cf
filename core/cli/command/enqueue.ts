import type { Command } from 'commander'
import type { AskGiven } from '../terminal/enqueue-options.ts'
import type { Detail } from '../../model/base/errors.ts'
import type { Remote } from '../remote/options.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { OffpeakError, usageInvalid } from '../../model/base/errors.ts'
import { askOf, asking } from '../terminal/enqueue-options.ts'
import { jsonIn, textOf } from '../terminal/json.ts'
import { remote } from '../remote/options.ts'
import { say, sayJson } from '../terminal/output.ts'

type EnqueueGiven = Remote & AskGiven & { bulk?: string }

/** One run of a file, and where it stands there. */
interface Asked {
  run: Record<string, unknown>
  where: string
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function objectOf (value: unknown, where: string): Asked {
  if (!isPlain(value)) {
    throw usageInvalid(`${where} is no run`, 'A run is an object such as {"task": "hello", "payload": 1}.')
  }
  return { run: value, where }
}

/** The runs of a text: an object a line, or one list. */
function runsIn (text: string, name: string): Asked[] {
  if (text.trimStart().startsWith('[')) {
    return (jsonIn(text, { name, line: 1 }) as unknown[]).map((value, index) =>
      objectOf(value, `${name}, run ${index + 1},`)
    )
  }
  return text.split('\n').flatMap((line, index) =>
    line.trim() === '' ? [] : [objectOf(jsonIn(line, { name, line: index + 1 }), `${name}:${index + 1}`)]
  )
}

/** What is wrong, by its place in the file instead of the one in the body. */
function placed (error: unknown, asked: readonly Asked[]): unknown {
  if (!(error instanceof OffpeakError)) return error
  const { code, statusCode: status, fix } = error
  if (code === 'OFFPEAK_BODY_TOO_LARGE') {
    return new OffpeakError({
      code,
      status,
      message: `the ${asked.length} runs are more than one call takes; nothing was added`,
      fix: 'Split the file, such as with split -l 1000.'
    })
  }
  if (error.errors === undefined) return error
  const errors = error.errors.map(({ pointer, detail }): Detail => {
    const [, index, rest = ''] = /^\/runs\/(\d+)(.*)$/.exec(pointer) ?? []
    return {
      pointer: index === undefined ? `the ${asked.length} runs:` : `${asked[Number(index)]!.where} ${rest}`.trimEnd(),
      detail
    }
  })
  const [first] = errors
  const message = errors.length === 1
    ? `${first!.pointer} ${first!.detail}; nothing was added`
    : `${errors.length} things do not fit; nothing was added`
  return new OffpeakError({ code, status, message, fix, errors })
}

/** What is said for all, as far as a run does not say otherwise: with an instant of its own it does not have the delay
 *  of the others, nor the other way round. */
const laid = (all: Record<string, unknown>, run: Record<string, unknown>): Record<string, unknown> => ({
  ...all,
  ...('delay' in run || 'due_at' in run) && { delay: undefined, due_at: undefined },
  ...run
})

interface BulkAnswer {
  added: number
  runs: { id: string, created: boolean }[]
}

async function addAll (task: string | undefined, { bulk: file = '-', ...given }: EnqueueGiven): Promise<void> {
  const all = await askOf(given)
  const name = file === '-' ? 'standard input' : file
  const asked = runsIn(await textOf(file), name).map(({ run, where }) => ({
    where,
    run: { ...task !== undefined && { task }, ...laid(all, run) }
  }))
  if (asked.length === 0) throw usageInvalid(`there are no runs in ${name}`)
  const client = await Client.find(given)
  const answer = await client.post<BulkAnswer>('/api/runs/bulk', { runs: asked.map(({ run }) => run) }).catch(error => {
    throw placed(error, asked)
  })
  if (given.json) return sayJson(answer)
  const { added, runs } = answer
  const there = runs.length - added
  say(
    `${added} ${added === 1 ? 'run is' : 'runs are'} added${
      there === 0 ? '' : `; ${there} ${there === 1 ? 'was' : 'were'} there already`
    }`
  )
}

async function enqueue (task: string | undefined, given: EnqueueGiven): Promise<void> {
  if (given.bulk !== undefined) return await addAll(task, given)
  if (task === undefined) throw usageInvalid('which task is not said', 'Name one, or with --bulk a file of runs.')
  const body = await askOf(given)
  const client = await Client.find(given)
  const run = await client.post<RunAnswer>(`/api/tasks/${encodeURIComponent(task)}/runs`, body)
  if (given.json) return sayJson(run)
  say(run.id)
}

/** `enqueue`: runs that are left to their turn. */
export function addEnqueue (program: Command): void {
  asking(
    remote(
      program.command('enqueue [task]').description(
        'add a run, and leave it to its turn; with --bulk many: all, or none'
      )
    )
  )
    .option('--bulk <file>',
      'add the runs of a file, or - for standard input: an object a line with what REST takes, such as {"task": "hello", "payload": 1}; the other options are for all that do not say otherwise')
    .action(enqueue)
}
