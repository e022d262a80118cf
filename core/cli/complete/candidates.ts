import type { Argument, Command, Option } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import type { RunsAnswer, ScheduleAnswer, TaskView } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { SHOWN_STATES } from '../input/run-filter.ts'
import { STATUSES } from '../../model/view/status.ts'
import { builtInTasks } from '../../model/task/built-in.ts'
import { knownServers } from '../remote/known-servers.ts'

const MOST_RUNS = 30

/** A word that may be typed, and what it is. */
interface Candidate {
  word: string
  what: string
}

/** The words that may be typed, given the server that the command line names. */
type Source = (given: RemoteOptions) => Promise<Candidate[]>

const words = (all: readonly string[], what = ''): Candidate[] => all.map(word => ({ word, what }))

const taskViews = async (given: RemoteOptions) => await (await Client.find(given)).get<TaskView[]>('/api/tasks')

const tasks: Source = async given =>
  (await taskViews(given)).map(({ id, status, trigger }) => ({
    word: id,
    what: `${status}, ${trigger?.words ?? 'on request'}`
  }))

const runs: Source = async given => {
  const { items } = await (await Client.find(given)).get<RunsAnswer>(`/api/runs?limit=${MOST_RUNS}`)
  return items.map(({ id, task, label }) => ({ word: id, what: `${label} run of ${task}` }))
}

const builtIns: Source = async () =>
  builtInTasks(new Set()).map(({ id, description }) => ({ word: id, what: `built-in: ${description}` }))

/** Built-in tasks that are off can be enabled, also without a server. */
const tasksToEnable: Source = async given => {
  const known = await tasks(given).catch(() => [])
  return [...known, ...(await builtIns(given)).filter(({ word }) => known.every(one => one.word !== word))]
}

const tasksAndRuns: Source = async given => [...await tasks(given), ...await runs(given)]

const queues: Source = async given => {
  const all = await (await Client.find(given)).get<{ name: string }[]>('/api/queues')
  return words(all.map(({ name }) => name), 'queue')
}

/** What can be paused: names alone, and with the word that says what they name once it is typed. */
const scopes: Source = async given => {
  const [views, lines] = await Promise.all([taskViews(given), queues(given)])
  const named = {
    task: views.map(({ id }) => id),
    queue: lines.map(({ word }) => word),
    tag: [...new Set(views.flatMap(({ tags }) => tags))]
  }
  const all = Object.entries(named).flatMap(([scope, names]) => names.map(name => ({ scope, name })))
  const alone = all.filter(({ name }) => all.filter(other => other.name === name).length === 1)
  return [
    { word: 'all', what: 'everything' },
    ...alone.map(({ scope, name }) => ({ word: name, what: scope })),
    ...all.map(({ scope, name }) => ({ word: `${scope}:${name}`, what: scope }))
  ]
}

const signals: Source = async given => {
  const all = await (await Client.find(given)).get<{ name: string }[]>('/api/signals')
  return words(all.map(({ name }) => name), 'signal')
}

const schedules: Source = async given => {
  const all = await (await Client.find(given)).get<ScheduleAnswer[]>('/api/schedules')
  return all.map(({ id, task, words: when }) => ({ word: id, what: `${task}, ${when}` }))
}

const contexts: Source = async () => words(Object.keys((await knownServers(process.env)).contexts), 'context')

const fixed = (all: readonly string[]): Source => async () => words(all)

/** The values of options, and of arguments by the names of the command and the argument, or of the argument alone. */
const VALUES: Record<string, Source> = {
  '--task': tasks,
  '--after': tasksAndRuns,
  '--queue': queues,
  '--context': contexts,
  '--state': fixed(SHOWN_STATES),
  '--status': fixed(STATUSES),
  'task': tasks,
  'run': tasksAndRuns,
  'runs': tasksAndRuns,
  'task|run': tasksAndRuns,
  'task|crontab': tasks,
  'queue': queues,
  'schedule': schedules,
  'what': scopes,
  'enable task': tasksToEnable,
  'eject task': builtIns,
  'signal name': signals,
  'use name': contexts,
  'remove name': contexts,
  'completion shell': fixed(['bash', 'zsh', 'fish'])
}

/** Options whose value is a list, separated by commas. */
const LISTS = ['--state', '--status']

const subcommands = (command: Command): Candidate[] =>
  command.createHelp().visibleCommands(command).flatMap(one =>
    [one.name(), ...one.aliases()].map(word => ({ word, what: one.summary() || one.description() }))
  )

const optionNamed = (command: Command, word: string) =>
  command.options.find(({ long, short }) => [long, short].includes(word))

const takesValue = (option: Option | undefined) => option !== undefined && (option.required || option.optional)

/** The values of an option; of a list, with what was typed of it before. */
async function valuesOf (option: Option, typed: string, given: RemoteOptions): Promise<Candidate[]> {
  const all = option.argChoices === undefined
    ? await VALUES[option.long ?? '']?.(given) ?? []
    : words(option.argChoices)
  const before = LISTS.includes(option.long ?? '') ? typed.slice(0, typed.lastIndexOf(',') + 1) : ''
  return all.map(({ word, what }) => ({ word: before + word, what }))
}

/** The words of a command without its options and their values. */
function argumentsIn (command: Command, typed: readonly string[]): string[] {
  return typed.filter((word, at) => !word.startsWith('-') && !takesValue(optionNamed(command, typed[at - 1] ?? '')))
}

function argumentAt ({ registeredArguments: all }: Command, at: number): Argument | undefined {
  const last = all.at(-1)
  return all[at] ?? (last?.variadic ? last : undefined)
}

/** The words that may stand after these words of a command. */
async function afterWords (
  command: Command,
  { typed, last, given }: { typed: readonly string[], last: string, given: RemoteOptions }
): Promise<Candidate[]> {
  const option = optionNamed(command, typed.at(-1) ?? '')
  if (takesValue(option)) return await valuesOf(option!, last, given)
  const [name, value] = last.startsWith('--') && last.includes('=') ? last.split('=', 2) as [string, string] : []
  const assigned = name === undefined ? undefined : optionNamed(command, name)
  if (assigned !== undefined) {
    return (await valuesOf(assigned, value!, given)).map(({ word, what }) => ({ word: `${name}=${word}`, what }))
  }
  if (last.startsWith('-')) return command.options.map(({ long, description }) => ({ word: long!, what: description }))
  const argument = argumentAt(command, argumentsIn(command, typed).length)
  if (argument === undefined) return []
  return await (VALUES[`${command.name()} ${argument.name()}`] ?? VALUES[argument.name()])?.(given) ?? []
}

const WHERE: Record<string, keyof RemoteOptions> = {
  '--url': 'url',
  '--context': 'context',
  '--token': 'token',
  '--data': 'data',
  '--config': 'config',
  '-c': 'config',
  '--env': 'env'
}

/** The options among these words that say which server is asked, and the words without the ones before the command. */
function serverIn (typed: readonly string[]): { given: RemoteOptions, rest: string[] } {
  const given: Record<string, string> = {}
  const rest: string[] = []
  for (let at = 0; at < typed.length; at++) {
    const [name, value] = typed[at]!.split('=', 2) as [string, string?]
    const member = WHERE[name]
    const isSplit = value === undefined
    if (member !== undefined && !(isSplit && at === typed.length - 1)) {
      given[member] = value ?? typed[at + 1]!
      if (isSplit) at++
    } else {
      rest.push(typed[at]!)
    }
  }
  return { given, rest }
}

/** What the last of these words may become. */
export async function completionsOf (program: Command, line: readonly string[]): Promise<Candidate[]> {
  const last = line.at(-1) ?? ''
  const { given, rest } = serverIn(line.slice(0, -1))
  if (rest[0] === 'help') rest.shift()
  let command = program
  while (rest.length > 0) {
    const next = command.commands.find(one => [one.name(), ...one.aliases()].includes(rest[0]!))
    if (next === undefined) break
    command = next
    rest.shift()
  }
  const isGroup = command.commands.length > 0 && rest.length === 0 && !last.startsWith('-')
  const all = isGroup
    ? subcommands(command)
    : await afterWords(command, { typed: rest, last, given })
  const found = all.filter(({ word }) => word.startsWith(last))
  // A scope such as `task:hello` is offered once its first letters rule out a name alone.
  return found.some(({ word }) => !word.includes(':')) ? found.filter(({ word }) => !word.includes(':')) : found
}
