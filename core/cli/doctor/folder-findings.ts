import { dataFolderFix, whyNot } from '../serve/data-folder.ts'
import { fault, note, warning, when } from './finding.ts'
import { sizeWords } from '../../model/base/size.ts'
import type { DiskFacts, PermissionFacts, WatchFacts } from './facts.ts'
import type { Finding } from './finding.ts'

/** File systems of other machines, on which locks and syncs cannot be relied on. Source: linux/magic.h. */
const REMOTE: Record<number, string> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB',
  0x01021997: '9p',
  0x65735546: 'FUSE',
  0x786f4256: 'vboxsf'
}
const FEW_FILES = 1000
const FULL = 0.98

/** Whether the disk of the data folder can be relied on. */
export function diskFindings ({ folder, free, total, freeFiles, totalFiles, kind, reserve }: DiskFacts): Finding[] {
  const remote = REMOTE[kind]
  const least = Math.max(reserve, total * (1 - FULL))
  return when([
    free < least,
    fault('disk_full', `The disk of ${folder} has ${sizeWords(free)} free, of ${sizeWords(total)}.`,
      'Free some space; runs then start by themselves. The section retention of config.json limits the history.')
  ], [
    totalFiles > 0 && freeFiles < FEW_FILES,
    fault('disk_inodes', `The file system of ${folder} has room for ${freeFiles} more files.`,
      'Remove folders with many small files, such as old caches.')
  ], [
    remote !== undefined,
    warning('disk_remote', `The data folder ${folder} is on ${remote}, where locks and syncs cannot be relied on.`,
      'Move it to a local disk: stop offpeak, copy the folder, and set engine.folder in config.json.')
  ])
}

/** Whether this user may use the folders, and who else may. */
export function permissionFindings (
  { user, folder, folderCode, directory, directoryCode, config, configCode, security }: PermissionFacts
): Finding[] {
  const owner = 'or run offpeak as the user that owns it'
  return [
    ...when([
      folderCode !== null,
      fault('data_unwritable', `${user} cannot write to the data folder ${folder}: ${whyNot(folderCode ?? '')}.`,
        dataFolderFix(folderCode ?? '', { user, folder }))
    ], [
      directoryCode !== null,
      fault('tasks_unreadable', `${user} cannot list the tasks directory ${directory}: ${whyNot(directoryCode ?? '')}.`,
        directoryCode === 'ENOENT'
          ? `Run: mkdir -p ${directory}, or set manager.tasks_directory in config.json.`
          : `Run: chmod u+rx ${directory}, ${owner}.`)
    ], [
      configCode !== null,
      note('config_unwritable', `${user} cannot change ${config}: ${whyNot(configCode ?? '')}.`,
        '`offpeak enable` and `offpeak disable` need that; everything else works.')
    ]),
    ...security.map(({ message, fix }) => warning('insecure', message, fix))
  ]
}

const LIMITS: Record<string, [string, string]> = {
  ENOSPC: ['watches', 'fs.inotify.max_user_watches=524288'],
  EMFILE: ['instances', 'fs.inotify.max_user_instances=1024']
}

/** Whether changes of task files are noticed at once. */
export function watchFindings ({ directory, code, watches, instances, kind }: WatchFacts): Finding[] {
  const remote = REMOTE[kind]
  const [what, setting] = LIMITS[code ?? ''] ?? []
  const limit = what === 'watches' ? watches : instances
  const later = 'Until then a change takes effect within a minute'
  return when([
    what !== undefined,
    warning('watch_limit', `${directory} cannot be watched: all ${limit ?? ''} ${what} of inotify are in use.`
      .replace('  ', ' '), `Run: sudo sysctl ${setting}, and add it to /etc/sysctl.d/. ${later}.`)
  ], [
    code !== null && code !== 'ENOENT' && what === undefined,
    warning('watch_fails', `${directory} cannot be watched: ${whyNot(code ?? '')}.`, `${later}.`)
  ], [
    code === null && remote !== undefined,
    note('watch_remote', `${directory} is on ${remote}, which does not report changes made by other machines.`,
      'Such a change takes effect within a minute.')
  ])
}
