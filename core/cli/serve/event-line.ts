import { counted } from '../../model/json/text.ts'
import { agoWords } from '../terminal/time-words.ts'
import { messageWords } from '../../log.ts'
import { plain, styled } from '../terminal/output.ts'
import { spanWords } from '../../model/base/duration.ts'
import type { Notice } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'

type Style = Parameters<typeof styled>[0] | null

/** What a line says: of which task, or of offpeak itself. */
interface Event {
  subject: string
  word: string
  style: Style
  detail: string
}

const OWN = 'offpeak'
const LEVEL_STYLES: Record<string, Style> = { error: 'red', warn: 'yellow' }

/** Task ids up to this width are aligned. */
const SUBJECT = 20
const WORD = 9

const own = (word: string, detail: string, style: Style = null): Event => ({ subject: OWN, word, style, detail })

const ofTask = (subject: string, word: string, detail: string, style: Style = null): Event => ({
  subject,
  word,
  style,
  detail
})

function settledEvent ({ run, outcome, ms }: Notice & { kind: 'settled' }, now: number): Event {
  const { task, state, id, error, reason, warning, due_at: due } = run
  const why = error?.message ?? reason?.message ?? ''
  if (state === 'completed') {
    return ofTask(task, 'completed', `in ${spanWords(ms)}${warning === null ? '' : `, ${warning}`}`, 'green')
  }
  if (state === 'failed') return ofTask(task, 'failed', `${why} (offpeak show ${id})`, 'red')
  if (state !== 'queued') return ofTask(task, state, why, 'dim')
  const next = agoWords(new Date(due).toISOString(), now)
  return outcome === 'failed'
    ? ofTask(task, 'retrying', `${why}; again ${next}`, 'yellow')
    : ofTask(task, outcome, reason?.message ?? `again ${next}`, 'yellow')
}

const startedEvent = ({ task, id, attempt }: Run): Event =>
  ofTask(task, 'started', attempt > 1 ? `${id}, attempt ${attempt}` : id, 'cyan')

function brokenEvent ({ file, line, message }: Notice & { kind: 'file_broken' }): Event {
  const place = line === undefined ? file : `${file}:${line}`
  return own('broken', message.includes(place) ? message : `${place}: ${message}`, 'red')
}

/** The text of a notice without a form of its own. */
function otherEvent (notice: Notice, level: string): Event {
  const { task, message, error } = notice as { task?: string | null, message?: string, error?: { message: string } }
  const more = message ?? error?.message
  return {
    subject: task ?? OWN,
    word: level,
    style: LEVEL_STYLES[level] ?? null,
    detail: `${messageWords(notice.kind)}${more === undefined ? '' : `: ${more}`}`
  }
}

/** `edited`: its record has a line. */
const WITHOUT_LINE: readonly Notice['kind'][] = ['started', 'released', 'edited']

/** The content of the line of a notice; null for one that has no line. */
function eventOf (notice: Notice, level: string, now: number): Event | null {
  if (WITHOUT_LINE.includes(notice.kind)) return null
  switch (notice.kind) {
    case 'stopping':
      return own('stopping', notice.running === 0 ? '' : `waits for ${counted(notice.running, 'running run')}`)
    case 'stopped':
      return own('stopped', '')
    case 'task_added':
      return ofTask(notice.task, 'added', notice.source)
    case 'task_changed':
      return ofTask(notice.task, 'changed', notice.source)
    case 'task_removed':
      return ofTask(notice.task, 'removed', notice.source)
    case 'file_broken':
      return brokenEvent(notice)
    case 'config_loaded':
      return own('config', `loaded from ${notice.file || 'the defaults'}`)
    case 'config_refused':
      return own('config', `refused, the last good one stays in force: ${notice.message}`, 'red')
    case 'config_warning':
      return own('config', `${notice.message}. ${notice.fix}`, 'yellow')
    case 'missed':
      return ofTask(notice.task, 'missed', `${counted(notice.count, 'fire')}: ${notice.policy}`, 'yellow')
    case 'claimed':
      return startedEvent(notice.run)
    case 'held':
      return ofTask(notice.run.task, 'held', notice.message, 'yellow')
    case 'settled':
      return settledEvent(notice, now)
    case 'cancelled':
      return ofTask(notice.run.task, 'cancelled', notice.reason.message, 'dim')
    case 'recorded':
      return own('changed', `${notice.action} ${notice.subject} by ${notice.by}`)
    default:
      return otherEvent(notice, level)
  }
}

const pad = (number: number) => String(number).padStart(2, '0')

const clockWords = (now: number): string => {
  const at = new Date(now)
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(':')
}

/** A line of a terminal: time, task, what happened, and details. Coloured where the terminal shows colours. */
function lineOf ({ subject, word, style, detail }: Event, now: number): string {
  const text = plain(detail).replaceAll(/\s+/g, ' ')
  const name = plain(word).padEnd(WORD)
  const head = `${styled('dim', clockWords(now))}  ${plain(subject).padEnd(SUBJECT)}`
  return `${head}  ${style === null ? name : styled(style, name)}  ${text}`.trimEnd()
}

/** The line of a notice in the local time of this machine; null for one that has no line. `level`: of its log
 *  record. */
export function eventLine (notice: Notice, level: string, now: number): string | null {
  const event = eventOf(notice, level, now)
  return event === null ? null : lineOf(event, now)
}

/** The line of a message that is not a notice. */
export const noteLine = (word: string, detail: string, now: number): string =>
  lineOf(own(word, detail, LEVEL_STYLES[word] ?? 'magenta'), now)
