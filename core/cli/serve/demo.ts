import { mkdtempSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AddressInfo } from 'node:net'
import { DAY } from '../../model/base/duration.ts'

const BUILT_IN = fileURLToPath(new URL('../../../backgroundtask/', import.meta.url))
const HOST = '127.0.0.1'

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

const configOf = (folder: string, port: number) => ({
  manager: { tasks_directory: BUILT_IN, stop_grace: '3s' },
  engine: { folder: join(folder, 'data') },
  server: { host: HOST, port },
  tasks: {
    heartbeat: every(3),
    check_system: every(7),
    check_website_status: every(5, {
      url: `http://${HOST}:${port}/livez`,
      allow: [HOST],
      state_file: join(folder, 'website_status.json')
    }),
    backup_data: every(11, {
      source: join(folder, 'photos'),
      target: join(folder, 'backups'),
      keep_last: 3,
      keep_daily: 1,
      keep_weekly: 1
    }),
    cleanup_old_files: every(13, { root: join(folder, 'downloads'), older_than: '30d', dry_run: false }),
    rotate_logs: every(17, { files: [join(folder, 'logs', 'app.log')], max_size: '4 KB', keep: 2 })
  }
})

async function freePort (wanted: number): Promise<number> {
  const probe = createServer()
  try {
    probe.listen(wanted, HOST)
    await once(probe, 'listening')
    return (probe.address() as AddressInfo).port
  } catch {
    return await freePort(0)
  } finally {
    probe.close()
  }
}

/** Prepares a temporary folder with sample files, and a configuration that runs the built-in tasks on them every few
 *  seconds. */
export async function makeDemo (port: number): Promise<Demo> {
  const free = await freePort(port)
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-demo-'))
  const configFile = join(folder, 'config.json')
  fill(folder)
  writeFileSync(configFile, JSON.stringify(configOf(folder, free), null, 2))
  return { folder, configFile, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
