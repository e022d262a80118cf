import { DefinitionSchema } from '../../../core/model/task/task.ts'
import { code, generatedFrom, table } from './markdown.ts'
import { leavesOf, typeWords } from './schema.ts'
import type { Node } from './schema.ts'

const INTRO = `# Task

These are all fields of a definition. Write them beside \`func\` in a task file
([Write a task](../how-to/write-a-task.md)), in the header of a script
([Write a script](../how-to/write-a-script.md)), or below \`tasks.<id>\` in config.json, where they override the
others. Only \`id\` is required. The default \`id\` of a script is the name of its file.

A *duration* is a number of seconds, or text such as \`"15m"\`, \`"1h 30m"\` or \`"PT15M"\`. Its maximum is ten years,
also for an interval.`

/** Defaults of fields that have one. Source: core/load/define/define.ts. */
const DEFAULTS: Record<string, string> = {
  name: 'the id in words',
  trigger: 'none: on request',
  timezone: '`manager.timezone`',
  enabled: '`true`',
  max_retries: '`manager.max_task_retries` (3)',
  'backoff.kind': '`"exponential"`',
  'backoff.delay': '`15`',
  'backoff.cap': '`3600`',
  'backoff.jitter': '`0.5`',
  timeout: '`manager.task_timeout` (5 min)',
  queue: '`"default"`',
  priority: '`"normal"`',
  concurrency: '1 with a trigger, else as many as there are slots',
  overlap: '`"skip"`',
  misfire: '`"run_latest"`',
  misfire_grace: '`"60s"`',
  max_catch_up: '`10`',
  on_changed: '`"keep"`',
  'exit_codes.ok': '`[0]`'
}

/** Meanings of fields whose schema has no description. */
const WORDS: Record<string, string> = {
  id: 'Lower case letters, digits, `.`, `_`, `-`; up to 64 characters',
  name: 'For people',
  description: 'For people',
  enabled: 'Whether its trigger fires. A request by hand runs it either way',
  max_retries: 'Attempts after the first one',
  'backoff.kind': 'How the wait between attempts grows',
  'backoff.delay': 'The first wait',
  'backoff.cap': 'The longest wait',
  'backoff.jitter': 'Random share of the wait; it only shortens the wait',
  timeout: 'How long one attempt may take; 0 is no limit',
  queue: 'The queue of its runs; `queues` in config.json limits it',
  tags: 'Names to filter by',
  misfire_grace: 'How late a fire still counts as on time',
  max_catch_up: 'The maximum number of runs that `run_all` makes for missed fires',
  'exit_codes.ok': 'Completed',
  'exit_codes.warn': 'Completed with a warning',
  'exit_codes.retry': 'Failed and retried; without this field every other code is',
  deadline: 'How long a run may be held'
}

/** The page of every field of a definition. */
export function taskPage (): string {
  const rows = leavesOf(DefinitionSchema as Node).map(({ path, node }) => {
    const words = WORDS[path] ?? node.description ?? ''
    return [code(path), typeWords(node), DEFAULTS[path] ?? '', words]
  })
  return [INTRO, generatedFrom('core/model/task/task.ts'), table(['field', 'type', 'default', ''], rows)].join('\n\n') +
    '\n'
}
