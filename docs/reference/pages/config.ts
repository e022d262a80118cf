import { ConfigSchema } from '../../../core/model/config/config.ts'
import { code, generatedFrom, table } from './markdown.ts'
import { defaultWords, leavesOf, typeWords } from './schema.ts'
import type { Node } from './schema.ts'

const INTRO = `# config.json

Every setting is optional and has a default. Comments and trailing commas are allowed. An unknown key is an error,
which is reported with its line. [Configure](../how-to/configure.md) explains how to write, overlay and change the
file. Editors complete it with \`"$schema": "./config.schema.json"\`.

A *duration* is a number of seconds, or text: \`90\`, \`"15m"\`, \`"1h 30m"\`, \`"PT15M"\`. Its maximum is ten years.
Relative folders start at the folder of config.json.

A value of 0 that would stop everything, such as a limit or timeout of 0, is refused with what it would stop. Where
0 has a meaning, the table states it. A probe or a signal must stay valid until the next reading: the \`ttl\` of a
probe is at least its \`every\`, and that of a signal at least \`sense.every\`.`

/** The settings below each name of a record, as a table; empty if there are none or more than eight. */
function namedWords (node: Node): string {
  const inner = Object.values(node.patternProperties ?? {})[0]
  if (inner === undefined || node.default === undefined) return ''
  const rows = leavesOf(inner).map((
    { path, node: leaf }
  ) => [code(`<name>.${path}`), typeWords(leaf), leaf.description ?? ''])
  return rows.length === 0 || rows.length > 8 ? '' : `\n${table(['setting', 'type', ''], rows)}\n`
}

const FIELDS: Readonly<Record<string, string>> = {
  tasks: '\nThe key is the id of a task. Fields: [Task](task.md).\n',
  builtin: '\nThe key is the id of a [built-in task](../how-to/built-in-tasks.md). Fields: [Task](task.md).\n'
}

function sectionWords (name: string, node: Node): string {
  const rows = leavesOf(node).map((
    { path, node: leaf }
  ) => [code(path), typeWords(leaf), defaultWords(leaf.default), leaf.description ?? ''])
  const body = rows.length === 0
    ? (FIELDS[name] ?? namedWords(node))
    : `\n${table(['setting', 'type', 'default', ''], rows)}\n`
  const standard = rows.length === 0 && JSON.stringify(node.default ?? {}) !== '{}'
    ? `\nDefault: ${code(JSON.stringify(node.default))}\n`
    : ''
  return `## ${name}\n\n${node.description ?? ''}.\n${body}${standard}`
}

/** The page of every setting. */
export function configPage (): string {
  const sections = Object.entries((ConfigSchema as Node).properties!)
  return [INTRO, generatedFrom('core/model/config/config.ts'), ...sections.map(([name, node]) =>
    sectionWords(name, node)
  )].join('\n\n').replaceAll(/\n{3,}/g, '\n\n').trimEnd() + '\n'
}
