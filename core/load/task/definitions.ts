import { foundWords } from '../../model/base/check.ts'
import { taskFileBroken } from '../../model/errors/task-errors.ts'
import { fileName } from '../../model/task/built-in.ts'
import type { ModuleFile } from '../../model/task/isolation.ts'
import { definitionLine, exportLine } from '../define/definition-line.ts'
import type { RawDefinition } from './assemble.ts'
import { idOf, interpreterOf, mayBeScript, parseHeader } from './header.ts'
import type { FoundFile } from './walk.ts'

/** A list may say that it is longer than anybody could read. */
const MOST = 100_000

function boundedBy (list: readonly unknown[], name: string, path: string): readonly unknown[] {
  if (list.length <= MOST) return list
  throw taskFileBroken({
    file: path,
    pointer: `/${name}`,
    message: `${name} of ${path} has ${list.length} entries, expected at most ${MOST}`
  })
}

/** The id in a definition, which can throw when it is read. */
function idIn (definition: unknown): unknown {
  try {
    return (definition as { id?: unknown } | null | undefined)?.id
  } catch {
    return undefined
  }
}

/** The definitions that a module exports: `TASK_DEFINITIONS`, a list, or one as `default`. Throws
 *  OFFPEAK_TASK_FILE_BROKEN when there are none. */
export function exportedBy (
  module: Readonly<Record<string, unknown>>,
  { path, contentHash, file }: { path: string, contentHash: string, file?: ModuleFile }
): RawDefinition[] {
  const from = { contentHash, module: file }
  const text = file?.text ?? ''
  const row = (definition: unknown, pointer: string): RawDefinition => ({
    definition,
    ...from,
    pointer,
    placeOf: member => ({ line: definitionLine({ text, pointer, id: idIn(definition), member }) })
  })
  const rows = (list: readonly unknown[], name: string) =>
    boundedBy(list, name, path).map((definition, index) => row(definition, `/${name}/${index}`))
  const { TASK_DEFINITIONS: list, default: single } = module
  if (Array.isArray(list)) return rows(list, 'TASK_DEFINITIONS')
  if (list !== undefined) {
    throw taskFileBroken({
      file: path,
      line: exportLine(text, 'TASK_DEFINITIONS'),
      pointer: '/TASK_DEFINITIONS',
      message: `TASK_DEFINITIONS of ${path} is ${foundWords(list)}, expected a list of definitions`
    })
  }
  if (Array.isArray(single)) return rows(single, 'default')
  if (typeof single === 'object' && single !== null) return [row(single, '/default')]
  if (single !== undefined) {
    throw taskFileBroken({
      file: path,
      line: exportLine(text, 'default'),
      pointer: '/default',
      message: `The default export of ${path} is ${foundWords(single)}, expected a definition { id, func, ... }`
    })
  }
  throw taskFileBroken({
    file: path,
    message: `${path} exports neither TASK_DEFINITIONS nor a default definition`,
    fix: 'Export one of them, or begin its name with _ when it is only a helper.'
  })
}

/** The definition in the header of a script; none when it has no header. Throws OFFPEAK_TASK_INVALID with the line. */
export function headerOf (
  found: FoundFile,
  { source, contentHash }: { source: string, contentHash: string }
): RawDefinition[] {
  const header = mayBeScript(found, source) ? parseHeader(source, found.path) : null
  if (header === null) return []
  const placeOf = (pointer: string) => ({
    line: header.lines.get(pointer.split('/')[1] ?? '') ?? Math.min(...header.lines.values())
  })
  const definition = { id: idOf(fileName(found.path)), ...header.fields }
  return [{
    definition,
    pointer: '',
    contentHash,
    placeOf,
    script: { file: found.real, interpreter: interpreterOf(source, found) }
  }]
}
