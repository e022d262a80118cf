import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import type { RunsAnswer, TaskView } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { SHOWN_STATES } from '../input/run-filter.ts'
import { STATUSES } from '../../model/view/status.ts'
import { knownServers } from '../remote/known-servers.ts'
import { print } from '../terminal/output.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

const PATIENCE_MS = 1500
const MOST_RUNS = 30

/** What a shell runs to complete a word: the words so far are the arguments after `--`, the last one is incomplete. */
const SCRIPTS: Record<string, string> = {
  bash: `_offpeak () {
  local IFS=$'\\n'
  COMPREPLY=($(offpeak completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null))
}
complete -o default -F _offpeak offpeak`,
  zsh: `#compdef offpeak
_offpeak () {
  local -a found
  found=("\${(@f)$(offpeak completion words -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  [[ -n $found ]] && compadd -a found || _files
}
compdef _offpeak offpeak`,
  fish: `complete -c offpeak -a '(offpeak completion words -- (commandline -opc)[2..] (commandline -ct) 2> /dev/null)'`
}

async function tasks (): Promise<string[]> {
  const client = await Client.find({})
  return (await client.get<TaskView[]>('/api/tasks')).map(({ id }) => id)
}

async function runs (): Promise<string[]> {
  const client = await Client.find({})
  return (await client.get<RunsAnswer>(`/api/runs?limit=${MOST_RUNS}`)).items.map(({ id }) => id)
}

const contexts = async () => Object.keys((await knownServers(process.env)).contexts)

/** The values of options, and of arguments by their names in the usage. */
const VALUES: Record<string, () => Promise<readonly string[]>> = {
  '--task': tasks,
  '--context': contexts,
  '--state': async () => SHOWN_STATES,
  '--status': async () => STATUSES,
  task: tasks,
  run: async () => [...await tasks(), ...await runs()],
  runs: async () => [...await tasks(), ...await runs()],
  'task|run': async () => [...await tasks(), ...await runs()],
  what: async () => ['all', ...(await tasks()).map(id => `task:${id}`)],
  name: contexts,
  shell: async () => Object.keys(SCRIPTS)
}

const namesOf = ({ commands }: Command): string[] =>
  commands.flatMap(command => [command.name(), ...command.aliases()]).filter(name =>
    !['discard', 'replay'].includes(name)
  )

/** The words that may stand after these words of a command. */
async function wordsAfter (command: Command, words: readonly string[], last: string): Promise<readonly string[]> {
  const before = words.at(-1)
  const option = command.options.find(({ long, short }) => before !== undefined && [long, short].includes(before))
  if (option !== undefined && (option.required || option.optional)) {
    return option.argChoices ?? await VALUES[option.long ?? '']?.() ?? []
  }
  if (last.startsWith('-')) return command.options.flatMap(({ long }) => long ?? [])
  const [argument] = command.registeredArguments
  return argument === undefined ? [] : await VALUES[argument.name()]?.() ?? []
}

/** What the last of these words may become. */
async function candidates (program: Command, words: readonly string[]): Promise<readonly string[]> {
  const last = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  let command = program
  while (before.length > 0) {
    const next = command.commands.find(one => [one.name(), ...one.aliases()].includes(before[0]!))
    if (next === undefined) break
    command = next
    before.shift()
  }
  const isGroup = command.commands.length > 0 && before.length === 0 && !last.startsWith('-')
  const all = isGroup ? namesOf(command) : await wordsAfter(command, before, last)
  return all.filter(word => word.startsWith(last))
}

async function completion (program: Command, shell: string, words: readonly string[]): Promise<void> {
  if (shell === 'words') {
    // A shell that waits for a server that does not answer looks dead.
    const found = await Promise.race([candidates(program, words).catch(() => []), wait(PATIENCE_MS, [])])
    for (const word of found) print(word)
    return process.exit()
  }
  const script = SCRIPTS[shell]
  if (script === undefined) {
    throw usageInvalid(`'${shell.slice(0, 40)}' is not a shell: expected ${Object.keys(SCRIPTS).join(', ')}`)
  }
  print(script)
}

/** `completion`: a script with which a shell completes commands, options, tasks and runs. */
export function addCompletion (program: Command): void {
  program.command('completion <shell> [words...]').usage('<bash|zsh|fish>').summary(
    'complete words in bash, zsh or fish'
  )
    .description(
      'print a script with which bash, zsh or fish completes commands, options, tasks and runs: ' +
        'source <(offpeak completion bash), or offpeak completion fish | source'
    )
    .action(async (shell: string, words: string[]) => await completion(program, shell, words))
}
