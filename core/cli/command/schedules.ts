import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import type { ScheduleAnswer, TaskView } from '../remote/answers.ts'
import type { ScheduleOptions } from '../input/schedule-options.ts'
import { Client } from '../remote/client.ts'
import { agoWords, timeWords, zonedWords } from '../terminal/time-words.ts'
import { findSchedule } from '../input/find-schedule.ts'
import { isBuiltIn } from '../../model/task/built-in.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'
import { scheduleBody, scheduleOptions, schedulePatch } from '../input/schedule-options.ts'
import { table } from '../terminal/table.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

type Given = RemoteOptions & ScheduleOptions

const pathOf = ({ id }: Pick<ScheduleAnswer, 'id'>) => `/api/schedules/${encodeURIComponent(id)}`

/** The next fire, or why there is none. */
function nextWords ({ next_at: next, timezone, paused, reason }: ScheduleAnswer): string {
  if (next !== null) return zonedWords(next, timezone)
  return paused ? 'paused' : reason?.message ?? 'never'
}

/** The same for a cell of a table: `task missing`. */
function nextCell (schedule: ScheduleAnswer): string {
  const { next_at: next, paused, reason } = schedule
  return next === null && !paused && reason !== null ? reason.code.replaceAll('_', ' ') : nextWords(schedule)
}

/** Where tasks are defined, by their ids. */
type Sources = ReadonlyMap<string, string>

const sourcesOf = async (client: Client): Promise<Sources> =>
  new Map((await client.get<TaskView[]>('/api/tasks').catch(() => [])).map(({ id, source }) => [id, source]))

/** `hello.ts`, `config.json:4`, `built-in`, or who added it. */
function originWords ({ origin, task, created_by: by }: ScheduleAnswer, sources: Sources): string {
  if (origin !== 'file') return by
  const source = sources.get(task)
  return source === undefined ? 'a definition that is gone' : isBuiltIn(source) ? 'built-in' : source
}

async function list (word: string | undefined, { task: named, ...given }: RemoteOptions & { task?: string }) {
  const client = await Client.find(given)
  const task = word ?? named
  // An unknown task must not look like one without a schedule.
  if (word !== undefined) await client.get(`/api/tasks/${encodeURIComponent(word)}`)
  const query = task === undefined ? '' : `?${new URLSearchParams({ task })}`
  const all = await client.get<ScheduleAnswer[]>(`/api/schedules${query}`)
  if (given.json) return printJson(all)
  const sources = await sourcesOf(client)
  const rows = all.map(one => [one.id, one.task, one.words, nextCell(one), originWords(one, sources)])
  print(rows.length === 0 ? 'There are no schedules.' : table(['SCHEDULE', 'TASK', 'WHEN', 'NEXT', 'MADE BY'], rows))
}

interface Printed {
  client: Client
  given: RemoteOptions
  done?: string
}

async function printSchedule (schedule: ScheduleAnswer, { client, given: { json }, done = '' }: Printed) {
  if (json) return printJson(schedule)
  const { id, task, words, payload, next_at: next, withheld = [], created_at: at } = schedule
  const facts = {
    task,
    when: words,
    next: next === null ? nextWords(schedule) : `${nextWords(schedule)}, ${agoWords(next)}`,
    payload: withheld.includes('payload') ? 'withheld without a token' : JSON.stringify(payload),
    made: `by ${originWords(schedule, await sourcesOf(client))}, ${timeWords(at)}`
  }
  print(plain(`${id}${done}`))
  for (const [name, value] of Object.entries(facts)) print(plain(`  ${name.padEnd(8)} ${value}`))
}

async function show (word: string, given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  await printSchedule(await findSchedule(client, word), { client, given })
}

async function add (task: string, given: Given): Promise<void> {
  const body = await scheduleBody(task, given)
  const client = await Client.find(given)
  await printSchedule(await client.post<ScheduleAnswer>('/api/schedules', body), { client, given, done: ' is added' })
}

/** Sends a patch of a schedule, and prints the schedule after it. */
async function patch (word: string, { body, given, done }: { body: object, given: RemoteOptions, done: string }) {
  const client = await Client.find(given)
  const known = await findSchedule(client, word)
  await printSchedule(await client.patch<ScheduleAnswer>(pathOf(known), body), { client, given, done })
}

async function change (word: string, given: Given): Promise<void> {
  const wanted = await schedulePatch(given)
  if (Object.keys(wanted).length === 0) {
    throw usageInvalid('there is nothing to change', 'Give --cron, --every, --at, --zone or --payload.')
  }
  await patch(word, { body: wanted, given, done: ' is changed' })
}

const pause = (word: string, given: RemoteOptions) =>
  patch(word, { body: { paused: true }, given, done: ' is paused; runs that exist are kept' })

const resume = (word: string, given: RemoteOptions) =>
  patch(word, { body: { paused: false }, given, done: ' goes on; fires in between were not missed' })

async function remove (word: string, given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  const known = await findSchedule(client, word)
  await client.delete(pathOf(known))
  if (given.json) return printJson({ id: known.id, removed: true })
  print(plain(`${known.id} is removed; runs that exist are kept`))
}

/** `schedules`, `schedules show`, `add`, `change`, `pause`, `resume` and `remove`. */
export function addSchedules (program: Command): void {
  const schedules = remoteOptions(
    program.command('schedules [task]').summary('list schedules, add, change or pause one').description(
      'list the schedules of task files, or of one task, and those that were added at run time; ' +
        'the commands below change the latter'
    )
  ).option('--task <id>', 'schedules of this task').action(list)
  remoteOptions(schedules.command('show <schedule>').description('show one: when it fires, its payload, who made it'))
    .action((word, _given, command: Command) => show(word, command.optsWithGlobals()))
  const added = schedules.command('add <task>').description('add a schedule to a task; it survives restarts')
  scheduleOptions(remoteOptions(added), 'payload of its runs, merged with that of the task')
    .action((task, _given, command: Command) => add(task, command.optsWithGlobals()))
  const changed = schedules.command('change <schedule>').description('change when a schedule fires, or its payload')
  scheduleOptions(remoteOptions(changed), 'merged with its payload; null: none')
    .action((word, _given, command: Command) => change(word, command.optsWithGlobals()))
  remoteOptions(schedules.command('pause <schedule>').description('stop a schedule from firing; it misses nothing'))
    .action((word, _given, command: Command) => pause(word, command.optsWithGlobals()))
  remoteOptions(schedules.command('resume <schedule>').description('let a paused schedule fire again'))
    .action((word, _given, command: Command) => resume(word, command.optsWithGlobals()))
  remoteOptions(schedules.command('remove <schedule>').alias('delete').description('remove a schedule; its runs stay'))
    .action((word, _given, command: Command) => remove(word, command.optsWithGlobals()))
}
