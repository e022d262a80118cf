import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { TASK_DEFINITIONS } from '../../backgroundtask/backup_data.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import { fakeContext } from './context.ts'

/** The name of the first backup. */
export const ARCHIVE = 'data-20260310T020000Z.tar.zst'
const LONG = `${'long/'.repeat(40)}${'n'.repeat(120)}-é-日本.txt`
/** The files of the source, by path. */
export const FILES: Record<string, string> = {
  'a.txt': 'alpha',
  'empty.txt': '',
  'deep/b.bin': 'b'.repeat(700_000),
  'with space/ü.txt': 'ü',
  [LONG]: 'far down'
}

/** SHA-256 in hexadecimal. */
export const sha = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')

/** A source folder with files, and a context of a backup. */
export function setup (t: Test, payload: object = {}, given: Partial<TaskContext> = {}) {
  const base = t.testdir({ data: { void: {} } })
  const source = join(base, 'data')
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(join(source, name, '..'), { recursive: true })
    writeFileSync(join(source, name), text)
  }
  const target = join(base, 'backups')
  return { base, source, target, ...fakeContext('backup_data', { source, target, ...payload }, given) }
}

/** The result of a backup. */
export interface Result {
  archive: string
  files: number
  bytes: number
  forgotten: string[]
  made_by_earlier_attempt: boolean
}
/** Runs the backup. */
export const run = async (ctx: TaskContext) => await TASK_DEFINITIONS[0]!.func(ctx) as Result
