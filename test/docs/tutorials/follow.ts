import { spawn } from '../../child.ts'
import { once } from 'node:events'
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import type { Test } from 'tap'
import { CALM } from '../../calm.ts'
import { scratch } from '../../work/harness.ts'
import { until } from '../../clock.ts'
import { ROOT, blocksOf } from '../blocks.ts'
import { freePort } from '../../free-port.ts'
import { put } from '../place.ts'
import type { Block } from '../blocks.ts'

/** The home folder and the user of the reader, as the pages print them. */
const READER = '/home/ann'

/** How long a command that looks is repeated until the state has come that the page shows, ms. */
const LOOKS_MS = 20_000

/** A program of the reader that goes on running in a terminal of its own. */
interface Server {
  child: ChildProcess
  output: string
  /** The number of its lines that the page has shown. */
  shown: number
}

interface Session {
  t: Test
  page: string
  home: string
  /** Where the terminal of the reader is. */
  cwd: string
  /** The exported variables of that terminal, as lines of a shell. */
  exported: string
  env: NodeJS.ProcessEnv
  port: string
  server: Server | null
}

async function session (t: Test, page: string): Promise<Session> {
  const home = scratch(t)
  const bin = join(home, '.bin')
  mkdirSync(bin)
  symlinkSync(join(ROOT, 'bin/offpeak.js'), join(bin, 'offpeak'))
  const env = {
    PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: home,
    TZ: 'UTC',
    NO_COLOR: '1',
    PACKAGES: join(ROOT, 'node_modules'),
    CHECKOUT: ROOT,
    BASH_ENV: join(import.meta.dirname, 'shell.sh'),
    OFFPEAK_SECURITY__ACCEPT_ROOT: 'the tests of the pages may run as root',
    ...CALM
  }
  return { t, page, home, cwd: home, exported: '', env, port: String(await freePort()), server: null }
}

/** A page and an output that differ in ids, instants, spans, counts of bytes, versions and paths of the machine only
 *  become the same. Trailing white space and the width of columns do not count. */
const same = (text: string, { home }: Session): string[] =>
  text
    .replaceAll(home, READER)
    .replaceAll(/\b(?=[a-z]*\d)[0-9a-z]{11}\b/g, 'ID')
    .replaceAll(/\b\d+ (?:ms|s|m|h|d)(?: \d+ (?:ms|s|m|h|d))?\b/g, 'SPAN')
    .replaceAll('completed SPAN ago', '-')
    .replaceAll(/(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d/g, 'TIME')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replaceAll(/\bcli:\w+/g, 'cli:USER')
    .replaceAll(/\b(offpeak )?\d+\.\d+\.\d+\b/g, '$1VERSION')
    .replaceAll(/\b\d+(?:\.\d+)? (?:%|[KMGT]?B)(?!\w)/g, 'AMOUNT')
    .split('\n').map(line => line.replaceAll(/\s+/g, ' ').trim())

const trimmed = (lines: readonly string[]) => {
  const [from, to] = [lines.findIndex(line => line !== ''), lines.findLastIndex(line => line !== '')]
  return from < 0 ? [] : lines.slice(from, to + 1)
}

/** The lines that a terminal shows of a command: `…` stands for any number of lines. */
function matches (shown: readonly string[], actual: readonly string[]): boolean {
  const [first, ...rest] = shown
  if (first === undefined) return actual.length === 0
  if (first !== '…') return actual[0] === first && matches(rest, actual.slice(1))
  return Array.from({ length: actual.length + 1 }, (_, skipped) => skipped).some(skipped =>
    matches(rest, actual.slice(skipped))
  )
}

/** Waits until the server has printed these lines, in this order, after those that the page has shown before. */
async function serverPrints (lines: readonly string[], where: string, at: Session): Promise<void> {
  const { server } = at
  if (server === null) throw new Error(`${where}: no server runs yet`)
  const next = () => {
    const actual = same(server.output, at)
    return lines.reduce((from, line) => from < 0 ? from : actual.indexOf(line, from) + 1 || -1, server.shown)
  }
  await until(where, () => next() >= 0 || server.child.exitCode !== null).catch(() => undefined)
  at.t.ok(next() >= 0, `${where} is printed`, { lines, output: server.output })
  server.shown = Math.max(server.shown, next())
}

const ADDRESS = /answers at (http:\/\/\S+)/

function startServer (command: string, at: Session): void {
  const { cwd, env } = at
  const program = command.replace('offpeak start', 'exec offpeak start --port 0 --log pretty').replace(/^node /,
    'exec node ')
  const child = spawn('bash', ['-c', program], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const server: Server = { child, output: '', shown: 0 }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      server.output += chunk
    })
  }
  at.server = server
  at.t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })
}

/** Ctrl-C in the terminal of the server. */
async function stopServer (at: Session): Promise<void> {
  const { child } = at.server!
  const over = once(child, 'close')
  child.kill('SIGINT')
  const [code] = await over
  at.t.equal(code, 0, 'Ctrl-C ends the server in order')
}

/** The port in the page is that of the reader's server. */
const mapped = (text: string, { server, port }: Session): string => {
  const url = ADDRESS.exec(server?.output ?? '')?.[1]
  return text.replaceAll('http://127.0.0.1:7420', url ?? 'http://127.0.0.1:7420').replaceAll('127.0.0.1:3000',
    `127.0.0.1:${port}`).replaceAll('port: 3000', `port: ${port}`)
}

/** Runs a command where the terminal is, and keeps where it is then, and what is exported. */
async function execute (command: string, at: Session): Promise<string> {
  const { cwd, env, exported } = at
  const script = `${exported}\nexec 2>&1\n${mapped(command, at)}\n{ pwd; export -p; } >&3`
  const child = spawn('bash', ['-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'ignore', 'pipe'] })
  let [output, left] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  child.stdio[3]!.on('data', (chunk: Buffer) => {
    left += chunk
  })
  await once(child, 'close')
  const end = left.indexOf('\n')
  if (end > 0) Object.assign(at, { cwd: left.slice(0, end), exported: left.slice(end + 1) })
  return output
}

/** A command that changes nothing: a reader types more slowly than a test, so it may need a second look. */
const isLook = (command: string) => /^offpeak (?:tasks|runs|show|logs|why|doctor)\b/.test(command)

/** Runs a command, and compares all that it prints. */
async function commandPrints (command: string, expected: readonly string[], where: string, at: Session) {
  let actual: string[] = []
  const fits = async () => {
    actual = trimmed(same(await execute(command, at), at))
    return matches(expected, actual)
  }
  if (isLook(command)) await until(where, fits, LOOKS_MS).catch(() => undefined)
  else await fits()
  at.t.ok(matches(expected, actual), where, { expected, actual })
}

const isServer = (command: string) => /^(?:offpeak start|node \S+)$/.test(command)

async function consoleBlock ({ text, line }: Block, at: Session): Promise<void> {
  for (const part of text.split(/^(?=\$ )/m)) {
    const where = `${at.page}:${line} ${part.split('\n', 1)[0]}`
    if (part.startsWith('^C')) {
      await stopServer(at)
      continue
    }
    if (!part.startsWith('$ ')) {
      await serverPrints(trimmed(same(part, at)), where, at)
      continue
    }
    const [command, ...shown] = part.slice(2).split('\n') as [string, ...string[]]
    const expected = trimmed(same(shown.join('\n'), at))
    if (isServer(command)) {
      startServer(command, at)
      await serverPrints(expected, where, at)
      continue
    }
    await commandPrints(command, expected, where, at)
  }
}

async function shellBlock ({ text, line }: Block, at: Session): Promise<void> {
  const output = await execute(`set -e\n${text}`, at)
  at.t.notMatch(output, /\b(?:error|not found)\b/i, `${at.page}:${line} runs`)
}

/** Follows a tutorial as a newcomer does, in an empty home folder with `offpeak` on the PATH. All that a command prints
 *  must be what the page shows; a block without a command is what the server prints next. */
export async function followTutorial (t: Test, page: string): Promise<void> {
  const at = await session(t, page)
  for (const block of blocksOf(page)) {
    if (block.file !== null && block.language !== 'console') put(at.cwd, block.file, mapped(block.text, at))
    else if (block.language === 'console') await consoleBlock(block, at)
    else if (block.language === 'sh') await shellBlock(block, at)
    else throw new Error(`${page}:${block.line} names no file`)
  }
}
