import { existsSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { UNSETTABLE_IDS, validId } from '../../model/task/task.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import type { LocalOptions } from '../remote/options.ts'
import { homeOnly } from '../local/home.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { withTasks } from '../local/offline.ts'
import type { Kind } from './templates.ts'
import { ENDINGS, KINDS, taskText } from './templates.ts'
import { programName } from './product.ts'
import { writeMissing } from './write-missing.ts'

export type NewOptions = LocalOptions & Partial<Record<Kind, boolean>> & { json?: boolean }

function kindOf (given: NewOptions): Kind {
  const asked = KINDS.filter(kind => given[kind])
  if (asked.length > 1) {
    throw usageInvalid(`${asked.map(kind => `--${kind}`).join(' and ')} exclude each other`, 'Name one of them.')
  }
  return asked[0] ?? 'ts'
}

/** An id that resembles a name which cannot be one; null when nothing is left of it. */
function similarId (name: string): string | null {
  const id = name.normalize('NFKD').toLowerCase().replaceAll(/\s+/g, '_').replaceAll(/[^a-z0-9._-]+/g, '')
    .replace(/^[._-]+/, '').slice(0, 64)
  return validId(id) ? id : null
}

/** Throws OFFPEAK_USAGE_INVALID with a valid id. */
function checkName (name: string): void {
  const kind = KINDS.find(one => ENDINGS[one] === extname(name))
  if (kind !== undefined && validId(name)) {
    throw usageInvalid(`'${name}' is the name of a file, expected the id of a task`,
      `Did you mean \`${programName()} new ${name.slice(0, -ENDINGS[kind].length)} --${kind}\`?`)
  }
  if (validId(name)) return
  if (UNSETTABLE_IDS.includes(name)) {
    throw usageInvalid(`'${name}' cannot be the id of a task: no setting may have this name`,
      `Did you mean '${name}_task'?`)
  }
  const similar = similarId(name)
  throw usageInvalid(
    `'${
      name.slice(0, 80)
    }' cannot be the id of a task: expected 1 to 64 of a-z, 0-9, '.', '_' and '-', a letter or digit first`,
    similar === null ? undefined : `Did you mean '${similar}'?`
  )
}

/** Writes a task file with this id into the tasks directory. Throws OFFPEAK_USAGE_INVALID when the id is invalid or
 *  taken. */
export async function newTask (name: string, { json, ts, shell, python, ...given }: NewOptions): Promise<void> {
  const kind = kindOf({ ...ts && { ts }, ...shell && { shell }, ...python && { python } })
  checkName(name)
  const path = await withTasks(homeOnly(given), ({ catalog }) => {
    const file = join(catalog.directory, `${name}${ENDINGS[kind]}`)
    const taken = catalog.tasks.get(name)?.source
    if (catalog.isBuiltIn(name)) {
      throw usageInvalid(`'${name}' is the id of a built-in task`,
        `Choose another name, or copy the task with \`${programName()} eject ${name}\`.`)
    }
    if (taken !== undefined || existsSync(file)) {
      throw usageInvalid(
        taken === undefined ? `${file} exists already` : `The task '${name}' exists already, in ${taken}`,
        'Choose another name, or edit that file.'
      )
    }
    return file
  })
  if (!await writeMissing({ path, text: taskText(kind, name), executable: kind !== 'ts' })) {
    throw usageInvalid(`${path} exists already`, 'Choose another name, or edit that file.')
  }
  if (json) return printJson({ id: name, file: path })
  print(plain(`Written: ${relative(process.cwd(), path)}`))
  print(
    `Try it with \`${programName()} test ${plain(relative(process.cwd(), path))}\`. A running server adds it by itself.`
  )
}
