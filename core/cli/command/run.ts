import type { Command } from 'commander'
import type { EnqueueOptions } from '../input/enqueue-options.ts'
import type { FullRunView, RequestedAnswer } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { Option } from 'commander'
import { enqueueBody, enqueueOptions, withDependencies } from '../input/enqueue-options.ts'
import { isFinal } from '../../model/run/run.ts'
import { follow, goesOnWords, lineWords, orInterrupted, progressWords } from '../terminal/follow.ts'
import { printBypassed } from '../terminal/bypassed.ts'
import { stateWords, whyWords } from '../terminal/run-words.ts'
import { durationWords } from '../terminal/time-words.ts'
import { CLEAR_LINE, draw, plain, print, printJson, printNote } from '../terminal/output.ts'
import { EXIT_CODES } from '../terminal/exit-codes.ts'
import { remoteOptions } from '../remote/options.ts'

type RunOptions = RemoteOptions & EnqueueOptions & { file?: string, name?: string, now?: boolean,
  whenPossible?: boolean, wait?: boolean, follow?: boolean }

/** The progress of a run, or what holds it. */
const standWords = (run: FullRunView): string =>
  run.held === null ? progressWords(run) : plain(`held: ${run.held.message}`)

/** Prints each new reason that holds the run on a line of its own. */
function heldLines () {
  let before: string | null = null
  const drawn = ({ held }: FullRunView) => {
    if (held !== null && held.code !== before) printNote(plain(`held: ${held.message}`))
    before = held?.code ?? null
  }
  return { draw: drawn, clear: () => undefined }
}

/** On a terminal a bar that is redrawn in place; elsewhere the reasons that hold the run. */
function liveBar (out: NodeJS.WriteStream) {
  if (!out.isTTY) return heldLines()
  const put = (line: string) => draw(out, CLEAR_LINE, line.replaceAll('\n', ' ').slice(0, (out.columns || 80) - 1))
  return { draw: (run: FullRunView) => put(standWords(run)), clear: () => put('') }
}

/** Prints each failed attempt that another one follows, and when. */
function attemptLines (clear: () => void) {
  let printed = 0
  return ({ attempts, state, label, max_retries: retries, due_at: due }: FullRunView) => {
    const failed = attempts.filter(({ outcome }) => outcome === 'failed' || outcome === 'crashed')
    // The end of the run reports the last one.
    const shown = isFinal(state) ? failed.slice(0, -1) : failed
    for (const { attempt, error } of shown.slice(printed)) {
      const again = label === 'retrying' && attempt === failed.at(-1)!.attempt
        ? `; again in ${durationWords(Math.max(0, Date.parse(due) - Date.now()) / 1000)}`
        : ''
      clear()
      printNote(plain(`attempt ${attempt} of ${retries + 1} failed: ${error?.message ?? 'the process ended'}${again}`))
    }
    printed = shown.length
  }
}

async function watch (client: Client, id: string, following: boolean): Promise<FullRunView> {
  const bar = liveBar(process.stderr)
  const line = following
    ? (logged: Parameters<typeof lineWords>[0]) => {
      bar.clear()
      printNote(lineWords(logged))
    }
    : undefined
  const failures = attemptLines(bar.clear)
  const moved = (run: FullRunView) => {
    failures(run)
    bar.draw(run)
  }
  const watching = follow(client, id, { line, moved }).finally(bar.clear)
  return await orInterrupted(watching, () => {
    bar.clear()
    return goesOnWords(id)
  })
}

/** The body of the request: the run starts at once, unless it has to wait for its turn or an instant. */
async function bodyOf ({ now = false, whenPossible = false, ...given }: RunOptions): Promise<Record<string, unknown>> {
  const isLater = whenPossible || given.delay !== undefined || given.due !== undefined
  return { ...await enqueueBody(now ? { ...given, priority: 'critical' } : given), ...!isLater && { now: true } }
}

/** Adds a run, uploads its file, and waits for its end when that is asked for. */
export async function runNow (task: string, { file, name, ...given }: RunOptions): Promise<void> {
  const checked = await bodyOf(given)
  const client = await Client.find(given)
  const body = await withDependencies(client, checked)
  const run = await client.post<RequestedAnswer>(`/api/tasks/${encodeURIComponent(task)}/runs`, file === undefined
    ? body
    : { ...body, payload: await payloadWith(client, { file, name, task, payload: body.payload }) })
  printBypassed(run)
  if (run.held !== null) printNote(plain(`held: ${run.held.message}`))
  if (!given.wait && !given.follow) return given.json ? printJson(run) : print(run.id)
  const over = await watch(client, run.id, given.follow ?? false)
  process.exitCode = EXIT_CODES[over.state]!
  if (given.json) return printJson(over)
  const why = whyWords(over)
  print(
    `${over.id} ${stateWords(over.label)}${over.duration === null ? '' : ` after ${durationWords(over.duration)}`}${
      why === '' ? '' : `: ${plain(why)}`
    }`
  )
  if (over.result !== null) print(JSON.stringify(over.result, null, 2))
}

interface FilePayload {
  file: string
  name: string | undefined
  task: string
  payload: unknown
}

async function payloadWith (
  client: Client,
  { file, name, task, payload }: FilePayload
): Promise<Record<string, unknown>> {
  const { sendFile, withPath } = await import('../terminal/send-file.ts')
  withPath(payload, { path: '' })
  // An unknown task is refused before a large file is sent.
  await client.get(`/api/tasks/${encodeURIComponent(task)}`)
  return withPath(payload, await sendFile(client, file, name))
}

/** `run`: runs a task now. */
export function addRun (program: Command): void {
  enqueueOptions(
    remoteOptions(
      program.command('run <task>').summary('run a task now').description(
        'run a task now: bypasses load, power and comfort gates, but not safety gates, slots and pauses; ' +
          'exit codes with --wait: 0 completed, 1 failed, 3 cancelled, 4 skipped'
      )
    )
  )
    .option('--file <path>',
      'send a file, or - for standard input; its path on the server becomes the `path` of the payload')
    .addOption(new Option('--when-possible', 'wait for its turn: every gate applies').conflicts('now'))
    .addOption(
      new Option('--now', 'start before all other runs, as critical; slot limits by power and hour do not apply')
        .conflicts(['priority', 'delay', 'due'])
    )
    .option('-w, --wait', 'wait until the run ends, and print what holds it')
    .option('-f, --follow', 'wait, and print its log to standard error')
    .action(runNow)
}
