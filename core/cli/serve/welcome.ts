import { agoWords, timeWords } from '../terminal/time-words.ts'
import { placeOfBroken } from '../../load/task/broken-file.ts'
import { onceSaid, placeWords } from '../../model/errors/errors.ts'
import { plain, printNote, styled } from '../terminal/output.ts'
import { scheduleTable } from '../local/offline.ts'
import { serverToken } from '../../server.ts'
import { VERSION } from '../../version.ts'
import type { Demo } from './demo.ts'
import type { LogForm } from './log-form.ts'
import type { TaskManager } from '../../manager.ts'
import type { TaskView } from '../../model/view/task-view.ts'

/** At most this many faults are listed; the rest is counted. */
const MOST_FAULTS = 5
const LABEL = 9

interface WelcomeAsk {
  manager: TaskManager
  url: string
  demo: Demo | null
  form: LogForm
}

/** `3 on, 12 off, 1 held, 2 broken files`. */
function countWords (tasks: readonly TaskView[], { broken, coming }: TaskManager['catalog']): string {
  const on = tasks.filter(({ enabled }) => enabled).length
  const held = tasks.filter(({ status }) => status === 'held').length
  return [
    `${on} on`,
    `${tasks.length - on} off`,
    `${held} held`,
    broken.length === 1 ? '1 broken file' : `${broken.length} broken files`,
    ...coming.length === 0 ? [] : [coming.length === 1 ? '1 file still loads' : `${coming.length} files still load`]
  ].join(', ')
}

/** `heartbeat in 2 m 4 s, at 14:05:00`. */
function nextWords (tasks: readonly TaskView[], now: number): string {
  const [first] = tasks.filter(({ enabled, next_run: next }) => enabled && next !== null).toSorted((a, b) =>
    a.next_run! < b.next_run! ? -1 : 1
  )
  if (first === undefined) return 'nothing is scheduled'
  return `${first.id} ${agoWords(first.next_run, now)}, at ${timeWords(first.next_run, now)}`
}

function faultWords ({ catalog }: TaskManager): string[] {
  const faults = catalog.broken.map(one => {
    const place = placeOfBroken(one)
    return `${placeWords(place)}: ${onceSaid(one.message, place)}`
  })
  const more = faults.length - MOST_FAULTS
  return more > 0 ? [...faults.slice(0, MOST_FAULTS), `${more} more: offpeak validate lists them`] : faults
}

const rootOf = ({ security }: TaskManager) => security.findings.filter(({ subject }) => subject === 'root')

const findingWords = ({ message, fix }: { message: string, fix: string | null }) =>
  fix === null ? message : `${message}: ${fix}`

const warningWords = ({ message, fix, ...place }: TaskManager['warnings'][number]) => {
  const where = placeWords(place)
  return `${where && `${where}: `}${message}. ${fix}`
}

const line = (label: string, text: string, style: Parameters<typeof styled>[0] = 'dim') =>
  `  ${styled(style, label.padEnd(LABEL))}${plain(text)}`

/** The command that lists the tasks, from any folder for the demo. */
const tasksCommand = ({ folder }: TaskManager, demo: Demo | null) =>
  demo === null ? 'offpeak tasks' : `offpeak tasks --data ${folder}`

async function summary ({ manager, url, demo }: WelcomeAsk, token: string): Promise<string[]> {
  const tasks = await manager.desk.tasks()
  return [
    '',
    `${styled('bold', `offpeak ${VERSION}`)} answers at ${styled('cyan', url)}`,
    line('token', token),
    ...demo === null
      ? [line('tasks', manager.catalog.directories.join(', '))]
      : [line('demo', `${demo.folder}, removed at the end`)],
    line('', countWords(tasks, manager.catalog)),
    line('next', nextWords(tasks, manager.clock.now())),
    ...faultWords(manager).map(words => line('broken', words, 'red')),
    ...manager.security.findings.map(finding => line('warning', findingWords(finding), 'yellow')),
    ...manager.warnings.map(warning => line('config', warningWords(warning), 'yellow')),
    '',
    styled('dim', plain(`Ctrl-C stops it. In another terminal, \`${tasksCommand(manager, demo)}\` lists the tasks.`)),
    ''
  ]
}

/** What programs and tests read from standard error: the schedules, the address and the place of the token. */
async function plainLines ({ manager, url, demo }: WelcomeAsk, token: string): Promise<string[]> {
  return [
    await scheduleTable(manager),
    '',
    `tasks: ${countWords(await manager.desk.tasks(), manager.catalog)}`,
    `offpeak ${VERSION} answers at ${url}`,
    ...manager.warnings.map(warning => `warning: ${warningWords(warning)}`),
    ...rootOf(manager).map(findingWords),
    `the token is ${token}`,
    ...demo === null
      ? []
      : [`a demo on sample files in ${demo.folder}, removed at the end; its data folder: --data ${manager.folder}`]
  ]
}

/** Prints where the server answers, where its token is, and its tasks: a summary on a terminal. */
export async function welcome (ask: WelcomeAsk): Promise<void> {
  const { file } = await serverToken(ask.manager)
  const token = file === null ? 'the one in OFFPEAK_TOKEN' : `in ${file}`
  const lines = await (ask.form === 'pretty' ? summary : plainLines)(ask, token)
  lines.forEach(printNote)
}
