import { DefinitionSchema } from '../../../core/model/task/task.ts'
import { code, generatedFrom, table } from './markdown.ts'
import { leavesOf, typeWords } from './schema.ts'
import type { Node } from './schema.ts'

const INTRO = `# Task

Every field of a definition. They stand in a task file beside \`func\` ([Write a task](../how-to/write-a-task.md)), in the header of a script
([Write a script](../how-to/write-a-script.md)), or below \`tasks.<id>\` in config.json, where they override the others. Only \`id\` is
required, and in a script not even that: it is the name of the file.

A *duration* is seconds as a number, or words such as \`"15m"\`, \`"1h 30m"\`, \`"PT15M"\`: ten years at most, also as the length of an interval.`

/** What stands when a definition says nothing, where that is more than nothing. Source: core/load/task/define.ts. */
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

/** Fields whose schema says nothing of their meaning. */
const WORDS: Record<string, string> = {
  id: 'Lower case letters, digits, `.`, `_`, `-`; 64 at most',
  name: 'For people',
  description: 'For people',
  enabled: 'Whether its trigger fires. By hand it runs either way',
  max_retries: 'Attempts after the first one',
  'backoff.kind': 'How the wait between attempts grows',
  'backoff.delay': 'The first wait',
  'backoff.cap': 'No wait is longer',
  'backoff.jitter': 'Share of the wait left to chance; it only shortens',
  timeout: 'How long one attempt may take; 0 is no limit',
  queue: 'Which queue its runs wait in; `queues` in config.json bounds it',
  tags: 'Names to filter by',
  misfire_grace: 'How late a fire still counts as on time',
  max_catch_up: 'The most runs that `run_all` makes of missed fires',
  'exit_codes.ok': 'Completed',
  'exit_codes.warn': 'Completed with a warning',
  'exit_codes.retry': 'Failed, and worth another attempt; without it every other code is',
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
