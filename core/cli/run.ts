import { existsSync, openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import type { FullRunView, RunAnswer } from './answers.ts'
import type { Remote } from './options.ts'
import type { State } from '../model/run.ts'
import { Client } from './client.ts'
import { PRIORITIES } from '../model/run.ts'
import { Option } from 'commander'
import { durationWords, runWords, stateWords, whyWords } from './words.ts'
import { follow, lineWords, newLines, progressWords } from './follow.ts'
import { plain, say, sayJson, tell } from './say.ts'
import { remote } from './options.ts'
import { usageInvalid } from '../model/errors.ts'

/** The exit code of a command that waited for a run. */
export const EXIT_CODES: Partial<Record<State, number>> = { completed: 0, failed: 1, cancelled: 3, skipped: 4 }

/** JSON as it was given: the text itself, `@file`, or `-` for standard input; throws OFFPEAK_USAGE_INVALID. */
export async function payloadOf (given: string | undefined): Promise<unknown> {
  if (given === undefined) return undefined
  const said = given === '-' ? await text(process.stdin) : given.startsWith('@') ? await readFile(given.slice(1), 'utf8') : given
  try {
    return JSON.parse(said) as unknown
  } catch (cause) {
    throw usageInvalid(`--payload is not JSON: ${(cause as Error).message}`, `Quote it for the shell: --payload '{"key": "value"}', or give @file or - for standard input.`)
  }
}

type RunGiven = Remote & { payload?: string, file?: string, priority?: string, delay?: string, key?: string, now?: boolean, wait?: boolean, follow?: boolean }

const delayOf = (delay: string) => /^\d+(?:\.\d+)?$/.test(delay) ? Number(delay) : delay

/** How far a run is, or what holds it. */
const standWords = (run: FullRunView): string => run.held === null ? progressWords(run) : plain(`held: ${run.held.message}`)

/** Each new reason for which a run is held in a line of its own. */
function heldLines () {
  let before: string | null = null
  const draw = ({ held }: FullRunView) => {
    if (held !== null && held.code !== before) tell(plain(`held: ${held.message}`))
    before = held?.code ?? null
  }
  return { draw, clear: () => undefined }
}

/** On a terminal a bar that redraws itself in its line; elsewhere what holds the run. */
function liveBar (out: NodeJS.WriteStream) {
  if (!out.isTTY) return heldLines()
  const put = (line: string) => void out.write(`\r\u001B[2K${line.replaceAll('\n', ' ').slice(0, (out.columns || 80) - 1)}`)
  return { draw: (run: FullRunView) => put(standWords(run)), clear: () => put('') }
}

async function watch (client: Client, id: string, following: boolean): Promise<FullRunView> {
  const bar = liveBar(process.stderr)
  const line = following ? (logged: Parameters<typeof lineWords>[0]) => { bar.clear(); tell(lineWords(logged)) } : undefined
  const run = await follow(client, id, { line, moved: bar.draw })
  bar.clear()
  return run
}

/** Sends a file to the server, which may be elsewhere; resolves to where it lies there. */
async function send (client: Client, file: string): Promise<string> {
  if (!existsSync(file)) throw usageInvalid(`There is no file ${file}`)
  const blob = await openAsBlob(file)
  const { path } = await client.upload<{ path: string }>(`/api/files?name=${encodeURIComponent(basename(file).slice(-200))}`, blob)
  return path
}

async function runNow (task: string, given: RunGiven): Promise<void> {
  const { delay, key } = given
  const priority = given.now ? 'critical' : given.priority
  const said = await payloadOf(given.payload)
  const client = await Client.find(given)
  const payload = given.file === undefined ? said : { ...said as object | undefined, path: await send(client, given.file) }
  const ask = { ...payload !== undefined && { payload }, ...priority && { priority }, ...delay && { delay: delayOf(delay) }, ...key && { key } }
  const run = await client.post<RunAnswer>(`/api/tasks/${encodeURIComponent(task)}/runs`, ask)
  if (!given.wait && !given.follow) return given.json ? sayJson(run) : say(run.id)
  const over = await watch(client, run.id, given.follow ?? false)
  process.exitCode = EXIT_CODES[over.state]!
  if (given.json) return sayJson(over)
  const why = whyWords(over)
  say(`${over.id} ${stateWords(over.label)} after ${durationWords(over.duration)}${why === '' ? '' : `: ${plain(why)}`}`)
  if (over.result !== null) say(JSON.stringify(over.result, null, 2))
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
  remote(program.command('run <task>').description('run a task now; with --wait the exit code is 0 completed, 1 failed, 3 cancelled, 4 skipped'))
    .option('-p, --payload <json>', 'what the task finds in ctx.payload: JSON, @file, or - for standard input')
    .option('--file <path>', 'a file to send along: its place on the server is the `path` of the payload')
    .addOption(new Option('--priority <priority>', 'how urgent').choices(PRIORITIES))
    .addOption(new Option('--now', 'at once: as critical, it passes every gate but pauses, full disks and heat').conflicts(['priority', 'delay']))
    .option('--delay <duration>', "not before: seconds, or words such as '15m'")
    .option('--key <key>', 'a second run with the same key is the first one')
    .option('-w, --wait', 'wait until it is over, and say what holds it')
    .option('-f, --follow', 'wait, and write its log to standard error')
    .action(runNow)
  remote(program.command('show <run>').description('everything about a run')).action(show)
  remote(program.command('logs <run>').description('the log of a run')).option('-f, --follow', 'until it is over').action(logs)
}
