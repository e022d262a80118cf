import { mkdtempSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { DAY } from '../../model/base/duration.ts'
import { listenFailed, tryPort } from './port.ts'

const BUILT_IN = new URL('../../../backgroundtask/', import.meta.url)
const HOST = '127.0.0.1'
const DEMO_PORT = 7420

export interface Demo {
  folder: string
  configFile: string
  remove: () => void
}

const every = (seconds: number, payload?: object) => ({
  enabled: true,
  trigger: 'interval',
  trigger_args: { seconds },
  max_retries: 0,
  ...payload && { payload }
})

function put (file: string, text: string, ageMs = 0): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  const at = (Date.now() - ageMs) / 1000
  utimesSync(file, at, at)
}

function fill (folder: string): void {
  for (const month of ['january', 'february', 'march']) {
    put(join(folder, 'photos', month, 'notes.txt'), `${month}\n`.repeat(2000))
  }
  for (const age of [1, 2, 3, 40, 50, 60]) {
    put(join(folder, 'downloads', `file-${age}-days-old.txt`), 'sample\n', age * DAY)
  }
  put(join(folder, 'logs', 'app.log'), 'a line of a sample log\n'.repeat(500))
}

const tasksOf = (folder: string, port: number) => ({
  heartbeat: every(6),
  check_system: every(14),
  check_website_status: every(10, {
    url: `http://${HOST}:${port}/livez`,
    allow: [HOST],
    state_file: join(folder, 'website_status.json')
  }),
  backup_data: {
    ...every(11, {
      source: join(folder, 'photos'),
      target: join(folder, 'backups'),
      keep_last: 3,
      keep_daily: 1,
      keep_weekly: 1
    }),
    constraints: { power: 'mains' }
  },
  cleanup_old_files: every(13, { root: join(folder, 'downloads'), older_than: '30d', dry_run: false }),
  rotate_logs: every(17, { files: [join(folder, 'logs', 'app.log')], max_size: '4 KB', keep: 2 })
})

const configOf = (folder: string, port: number) => ({
  manager: { tasks_directory: 'backgroundtask', stop_grace: '3s' },
  engine: { folder: join(folder, 'data') },
  server: { host: HOST, port },
  sense: { every: '1s' },
  scheduling: { dwell: '1s' },
  tasks: tasksOf(folder, port)
})

/** Files that export built-in tasks. The folder of those may also have tasks of the user, which the demo does not
 *  load. */
function putTasks (folder: string, ids: readonly string[]): void {
  for (const id of ids) {
    const { href } = new URL(`${id}${extname(import.meta.url)}`, BUILT_IN)
    put(join(folder, 'backgroundtask', `${id}.mjs`), `export { TASK_DEFINITIONS } from ${JSON.stringify(href)}\n`)
  }
}

/** A named port must be free; the standard port may be in use by an offpeak of this user. */
async function portFor (named: number | undefined): Promise<number> {
  const port = named ?? DEMO_PORT
  return await tryPort({ host: HOST, port }).catch(async error => {
    if (named !== undefined) throw await listenFailed(error, { host: HOST, port })
    return await tryPort({ host: HOST, port: 0 })
  })
}

/** Prepares a temporary folder with sample files, and a configuration that runs built-in tasks on them every few
 *  seconds. */
export async function makeDemo (named: number | undefined): Promise<Demo> {
  const port = await portFor(named)
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-demo-'))
  const configFile = join(folder, 'config.json')
  const config = configOf(folder, port)
  fill(folder)
  putTasks(folder, Object.keys(config.tasks))
  writeFileSync(configFile, JSON.stringify(config, null, 2))
  const before = process.cwd()
  return {
    folder,
    configFile,
    remove () {
      // The working directory of the server is in the folder; the shell that ends the process needs one that exists.
      process.chdir(before)
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
