import { spawn, execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Picture, Tone } from './draw.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const BIN = join(ROOT, 'bin/offpeak.js')
const LONGEST_WAIT = 60_000

/** No run of the demo waits because this machine is busy. */
const UNHELD = { OFFPEAK_RESOURCES__CPU_LIMIT: '1', OFFPEAK_RESOURCES__IO_LIMIT: '1' }

/** Tasks of the demo. The picture is taken when each of them has run, and one is held because the plug is pulled. */
const SHOWN = ['check_system', 'check_website_status', 'cleanup_old_files', 'heartbeat', 'rotate_logs']
const HELD = 'backup_data'

function toneOf (line: string, index: number): Tone {
  if (index === 1) return 'head'
  if (/ held: /.test(line)) return 'closed'
  return index === 0 || / disabled /.test(line) ? 'faint' : 'plain'
}

async function offpeak (...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [BIN, ...words], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' }
  })
  return stdout.trimEnd()
}

interface ListedTask {
  id: string
  status: string
  last_run: object | null
}

/** The output of `offpeak tasks` while a task of the demo is held. */
async function listDemo (): Promise<string> {
  const demo = spawn(process.execPath, [BIN, 'start', '--demo', '--port', '0'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...UNHELD }
  })
  let stderr = ''
  demo.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  try {
    const end = Date.now() + LONGEST_WAIT
    while (Date.now() < end) {
      await wait(500)
      const folder = /--data (\S+)/.exec(stderr)?.[1]
      if (folder === undefined) continue
      const tasks = JSON.parse(await offpeak('tasks', '--data', folder, '--json')) as ListedTask[]
      const ran = SHOWN.every(id => tasks.some(task => task.id === id && task.last_run !== null))
      if (ran && tasks.some(({ id, status }) => id === HELD && status === 'held')) {
        return await offpeak('tasks', '--data', folder)
      }
    }
    throw new Error(`The demo did not run every task, and hold one, within ${LONGEST_WAIT / 1000} s: ${stderr}`)
  } finally {
    demo.kill('SIGTERM')
  }
}

/** The picture of `offpeak tasks`. */
export async function tasksPicture (): Promise<Picture> {
  const lines = ['$ offpeak tasks', ...(await listDemo()).split('\n')]
  return { label: 'The output of offpeak tasks', lines, toneOf }
}
