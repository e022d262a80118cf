import type { Command } from 'commander'
import type { AskGiven } from '../terminal/enqueue-options.ts'
import type { FullRunView, RequestedAnswer } from '../remote/answers.ts'
import type { Remote } from '../remote/options.ts'
import type { State } from '../../model/run/run.ts'
import { Client } from '../remote/client.ts'
import { Option } from 'commander'
import { askOf, asking } from '../terminal/enqueue-options.ts'
import { tellPassed } from '../terminal/bypassed.ts'
import { durationWords, runWords, stateWords, whyWords } from '../terminal/run-words.ts'
import { follow, lineWords, newLines, progressWords } from '../terminal/follow.ts'
import { CLEAR_LINE, draw, plain, say, sayJson, tell } from '../terminal/output.ts'
import { remote } from '../remote/options.ts'

/** The exit code of a command that waited for a run. */
export const EXIT_CODES: Partial<Record<State, number>> = { completed: 0, failed: 1, cancelled: 3, skipped: 4 }

type RunGiven = Remote & AskGiven & { file?: string, name?: string, now?: boolean, whenPossible?: boolean,
  wait?: boolean, follow?: boolean }

/** How far a run is, or what holds it. */
const standWords = (run: FullRunView): string =>
  run.held === null ? progressWords(run) : plain(`held: ${run.held.message}`)

/** Each new reason for which a run is held in a line of its own. */
function heldLines () {
  let before: string | null = null
  const drawn = ({ held }: FullRunView) => {
    if (held !== null && held.code !== before) tell(plain(`held: ${held.message}`))
    before = held?.code ?? null
  }
  return { draw: drawn, clear: () => undefined }
}

/** On a terminal a bar that redraws itself in its line; elsewhere what holds the run. */
function liveBar (out: NodeJS.WriteStream) {
  if (!out.isTTY) return heldLines()
  const put = (line: string) => draw(out, CLEAR_LINE, line.replaceAll('\n', ' ').slice(0, (out.columns || 80) - 1))
  return { draw: (run: FullRunView) => put(standWords(run)), clear: () => put('') }
}

async function watch (client: Client, id: string, following: boolean): Promise<FullRunView> {
  const bar = liveBar(process.stderr)
  const line = following
    ? (logged: Parameters<typeof lineWords>[0]) => {
      bar.clear()
      tell(lineWords(logged))
    }
    : undefined
  const run = await follow(client, id, { line, moved: bar.draw })
  bar.clear()
  return run
}

/** The body that asks for a run: at once, unless it is to wait for its turn or an instant. */
async function bodyOf ({ now = false, whenPossible = false, ...given }: RunGiven): Promise<Record<string, unknown>> {
  const isLater = whenPossible || given.delay !== undefined || given.due !== undefined
  return { ...await askOf(now ? { ...given, priority: 'critical' } : given), ...!isLater && { now: true } }
}

/** Asks for a run, with a file sent along, and waits for its end as far as that was wanted. */
export async function runNow (task: string, { file, name, ...given }: RunGiven): Promise<void> {
  const body = await bodyOf(given)
  const client = await Client.find(given)
  const run = await client.post<RequestedAnswer>(`/api/tasks/${encodeURIComponent(task)}/runs`, file === undefined
    ? body
    : { ...body, payload: await payloadWith(client, { file, name, task, payload: body.payload }) })
  tellPassed(run)
  if (run.held !== null) tell(plain(`held: ${run.held.message}`))
  if (!given.wait && !given.follow) return given.json ? sayJson(run) : say(run.id)
  const over = await watch(client, run.id, given.follow ?? false)
  process.exitCode = EXIT_CODES[over.state]!
  if (given.json) return sayJson(over)
  const why = whyWords(over)
  say(
    `${over.id} ${stateWords(over.label)}${over.duration === null ? '' : ` after ${durationWords(over.duration)}`}${
      why === '' ? '' : `: ${plain(why)}`
    }`
  )
  if (over.result !== null) say(JSON.stringify(over.result, null, 2))
}

interface Along {
  file: string
  name: string | undefined
  task: string
  payload: unknown
}

async function payloadWith (client: Client, { file, name, task, payload }: Along): Promise<Record<string, unknown>> {
  const { sendFile, withPath } = await import('../terminal/send-file.ts')
  withPath(payload, { path: '' })
  // Before a gigabyte is sent for it.
  await client.get(`/api/tasks/${encodeURIComponent(task)}`)
  return withPath(payload, await sendFile(client, file, name))
}

async function show (id: string, given: Remote): Promise<void> {
  const client = await Client.find(given)
  const run = await client.get<FullRunView>(`/api/runs/${encodeURIComponent(id)}`)
  if (given.json) return sayJson(run)
  say(runWords(run))
}

async function logs (id: string, given: Remote & { follow?: boolean }): Promise<void> {
  const client = await Client.find(given)
  const each = (line: Parameters<typeof lineWords>[0]) => say(given.json ? JSON.stringify(line) : lineWords(line))
  if (given.follow) return void await follow(client, id, { line: each })
  await newLines(client, { id, after: 0, each })
}

/** `run`, `show` and `logs`: one run from beginning to end. */
export function addRuns (program: Command): void {
  asking(
    remote(
      program.command('run <task>').description(
        'run a task now, whatever load, power and comfort say: not past safety, slots and pauses; with --wait the exit code is 0 completed, 1 failed, 3 cancelled, 4 skipped'
      )
    )
  )
    .option('--file <path>',
      'a file to send along, or - for standard input: its place on the server is the `path` of the payload')
    .addOption(new Option('--when-possible', 'leave it to its turn: held as what programs add').conflicts('now'))
    .addOption(
      new Option('--now', 'ahead of everything, as critical: past the slots that power and hour leave too').conflicts([
        'priority',
        'delay',
        'due'
      ])
    )
    .option('-w, --wait', 'wait until it is over, and say what holds it')
    .option('-f, --follow', 'wait, and write its log to standard error')
    .action(runNow)
  remote(program.command('show <run>').description('everything about a run')).action(show)
  remote(program.command('logs <run>').description('the log of a run')).option('-f, --follow', 'until it is over')
    .action(logs)
}
