import { code } from './markdown.ts'

/** Meanings of codes whose message is written where the error occurs. */
const WORDS: Record<string, string> = {
  OFFPEAK_CONFIG_OVERRIDDEN: 'an overlay or a variable sets what the change sets in config.json: the place, what to do',
  OFFPEAK_CONFIG_INVALID: 'a setting is invalid: file, line, pointer, found, expected',
  OFFPEAK_TASK_INVALID: 'a definition is invalid: field, found, expected',
  OFFPEAK_TASK_FILE_BROKEN: 'a task file cannot be imported: file, line, reason',
  OFFPEAK_INPUT_INVALID: 'a body, query or payload is invalid, with a JSON pointer for each error',
  OFFPEAK_OUT_OF_MEMORY: 'a run used more memory than its memory_limit',
  OFFPEAK_TASKS_LOADING: 'the task may be defined in a file that is still being imported: retry',
  OFFPEAK_TASK_UNCONFIGURED: 'the task lacks required settings, which are named',
  OFFPEAK_WORK_DIED: 'the thread or process of a task ended before its function did',
  OFFPEAK_FORECAST_TOO_LARGE: 'more waiting runs or fires than a forecast can contain',
  OFFPEAK_FORBIDDEN: 'a page of another site or origin tried to change something',
  OFFPEAK_START_REFUSED: 'others could reach the server without a token, or the server cannot listen',
  OFFPEAK_ENGINE_FAILED: 'the database cannot be opened or written; 507 when the disk is full',
  OFFPEAK_REQUEST_INVALID: 'the request is malformed: invalid JSON, two Host headers and similar',
  OFFPEAK_UPLOAD_REFUSED: 'the upload is a form, or has an unknown content coding',
  OFFPEAK_TRIGGER_INVALID: 'a trigger cannot be read: field, found, expected',
  OFFPEAK_FILE_NOT_WRITTEN: 'a file that a command was asked to write cannot be written',
  OFFPEAK_USAGE_INVALID: 'the command line has an error'
}

const OTHERS = [
  [code('OFFPEAK_BODY_NOT_UTF8'), '400', 'the body is not UTF-8'],
  [code('OFFPEAK_BODY_TOO_LARGE'), '413', 'the body is larger than 1 MiB, or than 32 MiB for bulk requests'],
  [code('OFFPEAK_HEADERS_TOO_LARGE'), '431', 'the headers are larger than 16 KiB'],
  [code('OFFPEAK_INVALID_JSON_BODY'), '400',
    'the body is not JSON, with line and column, or has a key such as `__proto__`'],
  [code('OFFPEAK_INVALID_MEDIA_TYPE'), '415', 'the body is not `application/json`'],
  [code('OFFPEAK_REQUEST_TIMEOUT'), '408', 'the request was not complete within 30 s'],
  [code('OFFPEAK_INTERNAL'), '500', 'an error in offpeak: the log has the details']
]

/** The message of a factory, with … in place of its variable parts. */
function sentenceIn (factory: string): string | undefined {
  const found = /message:\s+(?:'((?:[^'\\]|\\.)+)'|`((?:[^`\\]|\\.)+)`)/.exec(factory)
  const variable = /\$\{(?:[^{}`]|\{[^}]*\}|`[^`]*`)*\}/g
  return (found?.[1] ?? found?.[2])?.replaceAll(variable, '…').replaceAll(/\\(.)/g, '$1')
}

function rowOf (factory: string): string[] | null {
  const name = /\bcode\s*[:=]\s*'(OFFPEAK_\w+)'/.exec(factory)?.[1]
  const status = /\bstatus\s*[:=]\s*(\d{3})/.exec(factory)?.[1]
  if (name === undefined || status === undefined) return null
  return [code(name), status,
    WORDS[name] ?? sentenceIn(factory) ?? name.replace('OFFPEAK_', '').toLowerCase().replaceAll('_', ' ')]
}

/** Every problem code with its status and message, read from the source of the factories. */
export function problemRows (source: string): string[][] {
  const factories = source.split(/^(?=export const \w+ = )/m).slice(1)
  const rows = factories.map(rowOf).filter(row => row !== null)
  if (rows.length !== factories.length) {
    throw new Error(`${factories.length - rows.length} factories in core/model/errors have no code or no status`)
  }
  return [...rows.toSorted((a, b) => a[0]! < b[0]! ? -1 : 1), ...OTHERS]
}
