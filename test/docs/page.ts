import { spawn, spawnSync } from '../child.ts'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { CALM } from '../calm.ts'
import { scratch } from '../work/harness.ts'
import { until } from '../clock.ts'
import { ROOT, blocksOf, isScript, placeOf } from './blocks.ts'
import { freePort } from '../free-port.ts'
import { makePlace, put } from './place.ts'
import type { Block } from './blocks.ts'

const BIN = join(ROOT, 'bin/offpeak.js')
/** How long a page may take, ms. */
export const LONG = 300_000
const hasCurl = spawnSync('curl', ['--version']).status === 0

/** A running offpeak in a reader's folder, and what runs the blocks of a page there. */
interface Reader {
  home: string
  url: string
  port: string
  env: NodeJS.ProcessEnv
  t: Test
}

async function reader (t: Test): Promise<Reader> {
  const home = makePlace(scratch(t))
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TZ: 'UTC',
    NO_COLOR: '1',
    TAP: '1',
    BIN,
    PACKAGES: join(ROOT, 'node_modules'),
    CURL: hasCurl ? 'curl' : '',
    STAND_IN: join(import.meta.dirname, 'curl.ts'),
    BASH_ENV: join(import.meta.dirname, 'prelude.sh'),
    ...CALM
  }
  let output = ''
  const server = spawn(process.execPath, [BIN, 'start', '--port', '0'], {
    cwd: home,
    env,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  t.teardown(() => {
    server.kill('SIGKILL')
  })
  server.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  await until('offpeak answers', () => /answers at/.test(output) || server.exitCode !== null)
  return { home, env, t, url: /answers at http:\/\/(\S+)/.exec(output)![1]!, port: String(await freePort()) }
}

const mapped = (text: string, { url, port }: Reader) =>
  text.replaceAll('127.0.0.1:7420', url).replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`).replaceAll('port: 3000',
    `port: ${port}`)

interface Done {
  code: number | null
  output: string
}

async function execute ([program, ...words]: [string, ...string[]], { home, env }: Reader): Promise<Done> {
  let output = ''
  const child = spawn(program, words, { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close') as [number | null]
  return { code, output }
}

const shell = (text: string, reader: Reader) => execute(['bash', '-c', mapped(text, reader)], reader)

async function shellBlock (block: Block, reader: Reader): Promise<void> {
  const { code, output } = await shell(block.text, reader)
  reader.t.equal(code, 0, `${block.page}:${block.line} runs`, { output })
}

/** Ids, spans and times differ from run to run, and a schedule may have fired meanwhile. */
const lasting = (line: string) =>
  line
    .replaceAll(/\b(?=[a-z]*\d)[0-9a-z]{11}\b/g, 'ID')
    .replaceAll(/\b\d+ (?:ms|s|m|h|d)(?: \d+ (?:ms|s|m|h|d))?\b/g, 'SPAN')
    .replaceAll('completed SPAN ago', '-')
    .replaceAll(/\d\d:\d\d:\d\d/g, 'TIME')
    .replaceAll(/\s+/g, ' ').trim()

async function consoleBlock (block: Block, reader: Reader): Promise<void> {
  for (const part of block.text.split(/^(?=\$ )/m)) {
    const [command = '', ...expected] = part.trimEnd().split('\n')
    const { code, output } = await shell(command.slice(2), reader)
    const lines = output.split('\n').map(lasting)
    const missing = expected.filter(line => !lines.some(actual => actual.includes(lasting(line))))
    reader.t.strictSame(missing, [], `${block.page}:${block.line} ${command}`, { output })
    if (expected.length === 0) reader.t.equal(code, 0, `${block.page}:${block.line} ${command}`)
  }
}

async function taskFile (block: Block, reader: Reader): Promise<void> {
  const { home, url, t } = reader
  const source = block.file!.replace('backgroundtask/', '')
  put(home, block.file!, mapped(block.text, reader))
  const ask = async (path: string) => await (await fetch(`http://${url}${path}`)).json() as never
  const found = async () => (await ask('/api/tasks') as { source: string }[]).some(task => task.source === source)
  const broken = async () =>
    (await ask('/api/health') as { broken: { where: string | null, message: string }[] }).broken.filter(({ where }) =>
      where?.startsWith(source)
    )
  await until(`${block.file} is known`, async () => await found() || (await broken()).length > 0)
  t.strictSame(await broken(), [], `${block.page}:${block.line} is a task`)
}

async function programme (block: Block, reader: Reader): Promise<void> {
  const { home, env, t, port } = reader
  const name = placeOf(block)
  put(home, name, mapped(block.text, reader))
  if (!block.text.includes('.listen(')) {
    const { code, output } = await execute([process.execPath, name], reader)
    return void t.equal(code, 0, `${block.page}:${block.line} runs`, { output })
  }
  const child = spawn(process.execPath, [name], { cwd: home, env, stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  const answers = () => fetch(`http://127.0.0.1:${port}/jobs/livez`).then(({ ok }) => ok, () => false)
  await until(`${name} listens`, async () => child.exitCode !== null || await answers())
  t.ok(await answers(), `${block.page}:${block.line} listens`)
}

const isTask = ({ file }: Block) => file?.startsWith('backgroundtask/') === true && !file.includes('.test.')

const run: Record<string, (block: Block, reader: Reader) => Promise<void>> = {
  ts: (block, reader) => isTask(block) ? taskFile(block, reader) : programme(block, reader),
  js: (block, reader) => isTask(block) ? taskFile(block, reader) : programme(block, reader),
  sh: (block, reader) => isScript(block) ? taskFile(block, reader) : shellBlock(block, reader),
  python: taskFile,
  console: consoleBlock
}

/** The languages whose blocks are run; the others are read. */
export const RUN = Object.keys(run)

/** Follows a page from its first block to its last, in a folder of its own with a running offpeak. */
export async function follow (t: Test, page: string): Promise<void> {
  const there = await reader(t)
  for (const block of blocksOf(page).filter(({ language }) => RUN.includes(language))) {
    await run[block.language]!(block, there)
  }
}
