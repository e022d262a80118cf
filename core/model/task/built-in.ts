/** What the built-in tasks do, by id. */
const DOES: Readonly<Record<string, string>> = {
  backup_data: 'packs a folder into an archive, reads it back, keeps the last ones',
  check_system: 'warns when processor, memory or a disk is nearly full',
  check_website_status: 'requests a page, and reports when it goes down or comes back',
  cleanup_old_files: 'removes files of a folder by age',
  cleanup_old_logs: 'removes old log files of a folder',
  cleanup_old_runs: 'removes finished runs past retention',
  disk_report: 'reports how full the disks are; an example in shell',
  heartbeat: 'reports that offpeak is alive, and pings a monitoring service',
  process_file: 'counts the lines of an uploaded file and computes its SHA-256',
  restore_backup: 'unpacks an archive of backup_data',
  rotate_logs: 'rotates and compresses large logs, keeps the last few',
  send_daily_reports: 'mails a report of the machine',
  send_email: 'sends a mail through an SMTP server',
  sync_external_data: 'fetches a URL to a file when it has changed',
  sync_folder: 'makes one folder like another'
}

/** `on`: a task has its id. */
export interface BuiltInTask {
  id: string
  description: string
  on: boolean
}

/** The ids of the built-in tasks, in the order of the alphabet. */
export const BUILT_IN_IDS: readonly string[] = Object.keys(DOES)

export const isBuiltInId = (id: string): boolean => Object.hasOwn(DOES, id)

/** Every built-in task, among tasks with the given ids. */
export const builtInTasks = (ids: { has(id: string): boolean }): BuiltInTask[] =>
  Object.entries(DOES).map(([id, description]) => ({ id, description, on: ids.has(id) }))

const PREFIX = 'builtin:'

/** The source of a built-in task: `builtin:heartbeat.ts`. */
export const builtInSource = (file: string): string => PREFIX + file

/** The name of the file of a source. */
export const fileName = (source: string): string => isBuiltIn(source) ? source.slice(PREFIX.length) : source

/** True for the source of a task that the section `builtin` of the configuration turns on. */
export const isBuiltIn = (source: string): boolean => source.startsWith(PREFIX)

/** The section of config.json with the settings of a task. */
export const sectionOf = (source: string): 'builtin' | 'tasks' => isBuiltIn(source) ? 'builtin' : 'tasks'

/** The key in config.json of the settings of a task: `tasks.hello`. */
export const settingsKey = ({ id, source }: { id: string, source: string }): string => `${sectionOf(source)}.${id}`
