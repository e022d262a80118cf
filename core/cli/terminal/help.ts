import { Help } from 'commander'
import type { Command } from 'commander'
import { WHERE } from '../remote/options.ts'

type Example = readonly [line: string, effect: string]

const FIRST: readonly Example[] = [
  ['start', 'start the server in this folder'],
  ['tasks', 'what there is, and when it runs next'],
  ['run hello --wait', 'run a task now and wait for its end'],
  ['why hello', 'what holds a task, and until when'],
  ['logs hello --follow', 'the log of its last run, as it grows'],
  ['runs --state held,dead', 'what waits for a condition, what has failed'],
  ['pause all --for 2h', 'start nothing for two hours'],
  ['tasks --json', 'any answer as JSON']
]

const EXAMPLES: Record<string, readonly Example[]> = {
  tasks: [['tasks --all', 'disabled tasks too'], ['ls --status held', 'tasks whose next run is held']],
  runs: [
    ['runs --task hello', 'runs of one task'],
    ['ps --state running,held', 'what runs, and what is held'],
    ['runs --state dead --from yesterday', 'what has failed for good since yesterday']
  ],
  show: [['show hello', 'the last run of a task'], ['show 6h02v5ay', 'a run, by the beginning of its id']],
  logs: [['logs hello', 'the log of its last run'], ['logs hello -f', 'keep printing until the run ends']],
  why: [['why hello', 'every condition of its next run'], ["why hello --at 'yesterday 03:00'",
    'the same, in the past']],
  run: [
    ['run hello --wait', 'print its end and its result'],
    [`run hello --payload '{"to": "Ada"}'`, 'with a payload'],
    ["run hello --due 'tomorrow 03:00'", 'at an instant']
  ],
  enqueue: [['enqueue hello --delay 15m', 'one run'], ['enqueue --bulk runs.jsonl', 'every line of a file']],
  retry: [['retry hello', 'the last run of a task'], ['retry --state dead --task hello', 'all its failed runs']],
  delete: [['delete --state completed --to yesterday', 'completed runs that were added before yesterday']],
  cancel: [['cancel hello', 'the last run of a task'], ['cancel --queue mail --dry-run', 'count the runs first']],
  pause: [['pause hello --for 2h', 'one task'], ["pause all --until 'tomorrow 06:00'", 'everything']],
  preview: [['preview hello --count 3', 'of a task'], ["preview '30 2 * * 1-5'", 'of a crontab string']],
  forecast: [['forecast --hours 48', 'one line for each task'], ['forecast hello', 'every start of one task']],
  signal: [['signal price 31 --ttl 1h', 'set it'], ['signal price --drop', 'delete it']],
  backup: [['backup monday.tar.gz', 'into one file'], ['backup copies/monday', 'into a folder']],
  restore: [
    ['restore monday.tar.gz', 'into the data folder, which must not exist'],
    ['restore monday.tar.gz --into old', 'into another folder']
  ],
  edit: [["edit 6h02v5ay --due 'tomorrow 03:00'", 'another due time'], ['edit hello --priority high', 'the last run']]
}

function exampleLines (examples: readonly Example[]): string {
  const width = Math.max(...examples.map(([line]) => line.length))
  return examples.map(([line, effect]) => `  offpeak ${line.padEnd(width)}  ${effect}`).join('\n')
}

const blockOf = (examples: readonly Example[]): string => `\nExamples:\n${exampleLines(examples)}`

const argumentWords = ({ required, variadic, name }: { required: boolean, variadic: boolean, name: () => string }) => {
  const word = `${name()}${variadic ? '...' : ''}`
  return required ? `<${word}>` : `[${word}]`
}

/** A command in the list of commands: its name, its other name, its arguments. Every command has options. */
function termOf (command: Command): string {
  const alias = command.alias()
  const words = command.registeredArguments.map(argument => argumentWords({ ...argument, name: () => argument.name() }))
  return [command.name(), ...alias ? [`(${alias})`] : [], ...words].join(' ')
}

const ofCommander = new Help()

/** The options that find a server come last: most people need none of them. */
const groupItems: Help['groupItems'] = (unsorted, visible, groupOf) => {
  const groups = ofCommander.groupItems(unsorted, visible, groupOf)
  const where = groups.get(WHERE)
  groups.delete(WHERE)
  return where === undefined ? groups : groups.set(WHERE, where)
}

/** How commands that are added to the program present themselves. */
export const HELP = { subcommandTerm: termOf, groupItems }

/** Adds examples to the help of the program and of its commands. */
export function addExamples (program: Command): void {
  program.addHelpText('after', `${blockOf(FIRST)}

offpeak help <command> prints the options and examples of a command.`)
  for (const command of program.commands) {
    const examples = EXAMPLES[command.name()]
    if (examples !== undefined) command.addHelpText('after', blockOf(examples))
  }
}
