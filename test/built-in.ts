import { fileName } from '../core/model/task/built-in.ts'

/** The task files of the product. What else lies in `backgroundtask/` is the user's: no test depends on it. */
export const BUILT_IN: readonly string[] = [
  'backup_data.ts',
  'check_system.ts',
  'check_website_status.ts',
  'cleanup_old_files.ts',
  'cleanup_old_logs.ts',
  'cleanup_old_runs.ts',
  'disk_report.sh',
  'heartbeat.ts',
  'process_file.ts',
  'restore_backup.ts',
  'rotate_logs.ts',
  'send_daily_reports.ts',
  'send_email.ts',
  'sync_external_data.ts',
  'sync_folder.ts'
]

/** The folders of what they share. */
export const SHARED: readonly string[] = ['_backup', '_files', '_net', '_sync', '_task']

/** The product's own sources below the root of the project, as words for a compiler or a linter. */
export const OWN_TASKS: readonly string[] = [...SHARED, ...BUILT_IN.filter(name => name.endsWith('.ts'))]
  .map(name => `backgroundtask/${name}`)

/** Whether a file, named below the root of the project, is one of a user's own tasks. */
export function isUsers (file: string): boolean {
  const [folder, first] = file.replaceAll('\\', '/').split('/')
  return folder === 'backgroundtask' && ![...SHARED, ...BUILT_IN].includes(first!)
}

/** The tasks and faults of the product's own files. */
export const ofBuiltIn = <T extends { source: string }, F extends { file: string }>(
  { tasks, broken }: { tasks: ReadonlyMap<string, T>, broken: readonly F[] }
) => ({
  tasks: new Map([...tasks].filter(([, { source }]) => BUILT_IN.includes(fileName(source)))),
  broken: broken.filter(({ file }) => BUILT_IN.includes(fileName(file)))
})
