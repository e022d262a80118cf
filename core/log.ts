import { writeSync } from 'node:fs'
import { pino } from 'pino'
import { shown } from './model/json/shown.ts'
import { logArgument, logParts } from './model/run/log-part.ts'
import type { DestinationStream, Level, Logger, LoggerOptions } from 'pino'
import type { Json } from './model/json/json.ts'
import type { Listener, Notice } from './model/notice.ts'
import type { LogLine } from './engine/reports.ts'
import type { Run } from './model/run/run.ts'
import type { TaskLog } from './model/task/context.ts'

/** A field with one of these names is censored, at any of the first three depths. */
const pathsOf = (names: readonly string[]) => names.flatMap(name => [name, `*.${name}`, `*.*.${name}`])

interface LogOptions {
  level: string
  redact?: readonly string[]
  destination?: DestinationStream
}

/** How often a write to a full pipe is retried, a millisecond apart. */
const MOST_TRIES = 50
const nap = new Int32Array(new SharedArrayBuffer(4))

/** Standard output. A record that cannot be written is dropped: a full disk, a closed pipe or terminal must not keep
 *  runs from starting. */
export const output: DestinationStream = {
  write (record) {
    const bytes = Buffer.from(record)
    for (let at = 0, tries = 0; at < bytes.length && tries < MOST_TRIES;) {
      try {
        at += writeSync(1, bytes, at)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
        tries += 1
        Atomics.wait(nap, 0, 0, 1)
      }
    }
  }
}

/** Control characters are escaped, because they would act on the terminal that shows the record. */
const escaping = (destination: DestinationStream): DestinationStream => ({
  write: record => destination.write(shown(record))
})

/** The process's logger: one JSON record a line. */
export const createLog = ({ level, redact = [], destination }: LogOptions): Logger =>
  pino({
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: pathsOf(redact), censor: '[redacted]' }
  }, escaping(destination ?? output))

const LEVELS: Partial<Record<Notice['kind'], Level>> = {
  file_broken: 'error',
  config_refused: 'error',
  engine_failed: 'error',
  beat_failed: 'error',
  late_error: 'error',
  listener_failed: 'error',
  schedule_failed: 'error',
  insecure: 'warn',
  config_warning: 'warn',
  missed: 'warn',
  nothing_started: 'warn',
  stale: 'warn',
  overdue: 'warn',
  loop_blocked: 'warn',
  io_stuck: 'error',
  clock_jumped: 'warn',
  replanned: 'warn',
  added: 'debug',
  claimed: 'debug',
  progressed: 'trace',
  sampled: 'trace',
  resting: 'debug',
  fired: 'debug'
}

const WORDS: Record<Notice['kind'], string> = {
  started: 'started',
  stopping: 'stopping, waiting for running runs',
  stopped: 'stopped',
  task_added: 'task added',
  task_changed: 'task changed',
  task_removed: 'task removed',
  file_broken: 'task file is broken',
  file_mended: 'task file is mended',
  config_loaded: 'configuration loaded',
  config_warning: 'a setting has no effect',
  config_refused: 'configuration refused, the last good one stays in force',
  insecure: 'others may get in, or could have',
  added: 'run added',
  fired: 'schedule fired',
  missed: 'fires were missed',
  claimed: 'run started',
  held: 'run held',
  released: 'run no longer held',
  resting: 'run rests until its gates open',
  progressed: 'run progressed',
  sampled: 'the machine was looked at',
  settled: 'run settled',
  stale: 'a result came too late and was dropped',
  cancelled: 'run cancelled',
  edited: 'waiting run changed by hand',
  removed: 'run deleted by hand',
  changed: 'many runs changed by hand',
  signalled: 'run signalled to stop',
  begun_anew: 'run begun without its checkpoint, which another version of its definition had saved',
  overdue: 'work ended after its slot had been freed',
  late_error: 'an error came after its run, or from a callback or the module of a task file',
  loop_blocked: 'the event loop was blocked',
  io_stuck: 'a file system does not answer',
  clock_jumped: 'the wall clock jumped',
  swept: 'old runs removed',
  beat_failed: 'a timed loop failed',
  engine_failed: 'the engine could not take a call',
  listener_failed: 'a listener failed, the others go on',
  schedule_failed: 'a schedule failed, the others go on',
  schedule_mended: 'a schedule that had failed goes on',
  replanned: 'schedules that were ahead of the clock are planned again from now',
  nothing_started: 'nothing has started for long although runs are due',
  recorded: 'changed by hand'
}

/** The constant text of the log record of a notice. */
export const messageWords = (kind: Notice['kind']): string => WORDS[kind]

/** The level of the log record of a notice. */
export const levelOf = (notice: Notice): Level => {
  if (notice.kind === 'settled') {
    return notice.run.state === 'failed'
      ? 'error'
      : notice.outcome === 'failed' || notice.run.warning
      ? 'warn'
      : 'info'
  }
  return LEVELS[notice.kind] ?? 'info'
}

/** The facts of a run that a log line carries. */
const brief = ({ id, task, state, attempt, error, reason, warning }: Run) => ({
  id,
  task,
  state,
  attempt,
  ...error && { error: error.message, ...error.at !== undefined && { at: error.at } },
  ...reason && { reason },
  ...warning && { warning }
})

/** Writes every notice as one log record: constant text, facts as fields. */
export function noticeLog (log: Logger): Listener {
  return notice => {
    const level = levelOf(notice)
    if (!log.isLevelEnabled(level)) return
    const { kind, ...facts } = notice
    log[level]({
      notice: kind,
      ...facts,
      ...'owner' in notice ? {} : 'run' in notice && 'state' in notice.run ? { run: brief(notice.run) } : {}
    }, WORDS[kind])
  }
}

/** Arguments of a task to its log are converted to bounded plain data before they are written, in the same way wherever
 *  the task runs. */
const hooks: LoggerOptions['hooks'] = {
  logMethod (words, method) {
    const parts = logParts(words)
    method.apply(this,
      parts.map((part, at) => words[at] === undefined ? undefined : logArgument(part)) as Parameters<typeof method>)
  }
}

/** Makes pino loggers whose records become the log of a run, redacted like every other. `now` in epoch ms. */
export function runLog ({ level, redact = [], now }: Omit<LogOptions, 'destination'> & { now: () => number }) {
  const paths = pathsOf(redact).flatMap(path => [path, `data.${path}`])
  return (write: (line: LogLine) => void): TaskLog =>
    // A field of a task that is named `level` is not the level of its line.
    pino({
      level,
      base: undefined,
      timestamp: false,
      nestedKey: 'data',
      hooks,
      redact: { paths, censor: '[redacted]' }
    }, { write: record => write(lineOf(record, now())) })
}

type Fields = { [key: string]: Json }

/** A call without a message takes the field of that name for it. */
function textOf (msg: Json | undefined, { msg: own, ...data }: Fields): { text: string, data: Fields } {
  if (msg === undefined && typeof own === 'string') return { text: own, data }
  return {
    text: typeof msg === 'string' ? msg : String(msg ?? ''),
    data: own === undefined ? data : { msg: own, ...data }
  }
}

function lineOf (record: string, at: number): LogLine {
  const { level, msg, data: nested, ...bound } = JSON.parse(record) as { level: number, msg?: Json, data?: Fields,
    [key: string]: Json | undefined }
  const { text, data } = textOf(msg, { ...bound as Fields, ...nested })
  return Object.keys(data).length === 0 ? { at, level, text } : { at, level, text, data }
}

/** The name of a level, such as `info` for 30; the number itself when it has none. */
export const levelName = (level: number): string => pino.levels.labels[level] ?? String(level)
