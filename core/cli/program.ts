import { Command } from 'commander'
import { GROUPS } from './commands.ts'
import { VERSION } from '../version.ts'
import { addExamples, HELP } from './terminal/help.ts'
import { nearest } from '../model/base/nearest.ts'

/** The command that completes a command line must know all the others. */
const OF_ALL = 'completion'

/** An error of commander in our words; a value that is none of the choices is answered with the nearest one. */
function errorText (text: string): string {
  const [, given, choices] = /argument '(.*)' is invalid\. Allowed choices are (.*)\.\n$/.exec(text) ?? []
  const near = given === undefined ? null : nearest(given, choices!.split(', '))
  return text.replace(/^error: /, 'offpeak: ') + (near === null ? '' : `(Did you mean ${near}?)\n`)
}

/** The words of a command line that asks for help about a command; without `help` if there is no such command, so that
 *  it is answered like the command itself. */
export function withoutVainHelp (program: Command, words: readonly string[]): readonly string[] {
  const [first, name] = words
  const isKnown = program.commands.some(command => [command.name(), ...command.aliases()].includes(name ?? ''))
  return first === 'help' && name !== undefined && name !== 'help' && !isKnown ? words.slice(1) : words
}

function emptyProgram (): Command {
  return new Command('offpeak')
    .description('Background tasks that run when the machine can afford them')
    .version(VERSION, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('  Add --help to see its arguments and options.')
    .configureOutput({ outputError: (text, write) => write(errorText(text)) })
}

async function addAll (program: Command): Promise<void> {
  for (const [heading, commands] of Object.entries(GROUPS)) {
    program.commandsGroup(`${heading}:`)
    for (const add of await Promise.all(Object.values(commands).map(load => load()))) add(program)
  }
  program.helpCommand('help [command]', 'print this, or the help of a command')
}

/** The command line with the command of this name, or with every command when there is none of this name. */
export async function programFor (name: string | undefined): Promise<Command> {
  const program = emptyProgram()
  const load = Object.values(GROUPS).find(commands => Object.hasOwn(commands, name ?? ''))?.[name!]
  program.configureHelp(HELP)
  if (load === undefined || name === OF_ALL) await addAll(program)
  else (await load())(program)
  addExamples(program)
  return program
}
