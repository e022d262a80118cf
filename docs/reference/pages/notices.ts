import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { noticeLog } from '../../../core/log.ts'
import type { Notice } from '../../../core/model/notice.ts'
import { code, generatedFrom, table } from './markdown.ts'

const SOURCE = resolve(import.meta.dirname, '../../../core/model/notice.ts')

const INTRO = `# Notices

A notice is one event inside offpeak. The log writes each notice as one JSON record on standard output, or on
a terminal as a [line of text](../how-to/watch-live.md). In a record the field
\`notice\` has its kind; its other fields are beside it, and the level is pino's number. In code,
\`manager.onNotice(listener)\` receives all notices. \`log.level\` limits the log only, not the listeners.

A settled run is logged at \`warn\` if the attempt failed or left a warning, and at \`error\` if the run has failed.`

interface Logged {
  level: string
  words: string
}

/** How the log writes a notice of a kind: its level and its text. */
function loggedAs (kind: string): Logged {
  const logged: Logged[] = []
  const at = (level: string) => (_facts: object, words: string) => void logged.push({ level, words })
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']
  const log = { isLevelEnabled: () => true, ...Object.fromEntries(levels.map(level => [level, at(level)])) }
  const run = { id: '', task: '', state: 'completed', attempt: 1, error: null, reason: null, warning: null }
  noticeLog(log as unknown as Parameters<typeof noticeLog>[0])({ kind, run } as unknown as Notice)
  return logged[0]!
}

/** The page of every notice. */
export function noticesPage (): string {
  const kinds = [...readFileSync(SOURCE, 'utf8').matchAll(/^ {2}\| \{ kind: '(\w+)'(?:, ([\s\S]+?))? \}$/gm)]
  const rows = kinds.map(([, kind, fields = '']) => {
    const { level, words } = loggedAs(kind!)
    const names = [...fields.matchAll(/(\w+)\??: /g)].map(([, name]) => code(name!))
    return [code(kind!), level, words, names.join(', ')]
  })
  return [INTRO, generatedFrom('core/model/notice.ts and core/log.ts'),
    table(['notice', 'level', 'says', 'with'], rows)].join('\n\n') + '\n'
}
