import { spawn, execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

const ROOT = resolve(import.meta.dirname, '../..')
const BIN = join(ROOT, 'bin/offpeak.js')
const PICTURE = join(import.meta.dirname, 'tasks.svg')

const SIGN = 8.4
const LINE = 20
const EDGE = 20
const BAR = 34
const LONGEST_WAIT = 60_000

/** Of the demo: each of these has run before the picture is taken. */
const SHOWN = ['backup_data', 'check_system', 'check_website_status', 'cleanup_old_files', 'heartbeat', 'rotate_logs']

const STYLE = `
    .paper { fill: #ffffff; stroke: #d0d7de }
    .dot { fill: #d0d7de }
    text { font: 14px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328; white-space: pre }
    .head { font-weight: bold }
    .faint { fill: #656d76 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #30363d }
      .dot { fill: #30363d }
      text { fill: #e6edf3 }
      .faint { fill: #8d96a0 }
    }`

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function classOf (line: string, index: number): string {
  if (index === 1) return ' class="head"'
  return index === 0 || / disabled /.test(line) ? ' class="faint"' : ''
}

/** What stood on a terminal as a picture that follows the reader's light or dark. */
export function draw (lines: readonly string[]): string {
  const width = Math.ceil(Math.max(...lines.map(line => line.length)) * SIGN + 2 * EDGE)
  const height = BAR + lines.length * LINE + EDGE
  const texts = lines.map((line, index) => {
    const length = (line.length * SIGN).toFixed(1)
    return `  <text${classOf(line, index)} x="${EDGE}" y="${
      BAR + (index + 1) * LINE - 6
    }" textLength="${length}" xml:space="preserve">${escaped(line)}</text>`
  })
  const dots = [0, 1, 2].map(index => `  <circle class="dot" cx="${EDGE + index * 18 + 5}" cy="18" r="5"/>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The output of offpeak tasks">
  <style>${STYLE}
  </style>
  <rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${[...dots, ...texts].join('\n')}
</svg>
`
}

async function offpeak (...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [BIN, ...words], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' }
  })
  return stdout.trimEnd()
}

interface Told {
  id: string
  last_run: object | null
}

/** The demo as `offpeak tasks` shows it once everything in it has run. */
async function photograph (): Promise<string[]> {
  const demo = spawn(process.execPath, [BIN, 'start', '--demo', '--port', '0'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME }
  })
  let said = ''
  demo.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  try {
    const end = Date.now() + LONGEST_WAIT
    const folder = () => /--data (\S+)/.exec(said)?.[1]
    while (Date.now() < end) {
      await wait(500)
      if (folder() === undefined) continue
      const tasks = JSON.parse(await offpeak('tasks', '--data', folder()!, '--json')) as Told[]
      if (SHOWN.every(id => tasks.some(task => task.id === id && task.last_run !== null))) {
        return ['$ offpeak tasks', ...(await offpeak('tasks', '--data', folder()!)).split('\n')]
      }
    }
    throw new Error(`The demo did not run everything within ${LONGEST_WAIT / 1000} s: ${said}`)
  } finally {
    demo.kill('SIGTERM')
  }
}

if (import.meta.main) await writeFile(PICTURE, draw(await photograph()))
