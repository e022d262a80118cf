import type { Command } from 'commander'
import { programFor } from '../../../core/cli/program.ts'
import { generatedFrom } from './markdown.ts'

const INTRO = `# Command line

\`offpeak\` is \`node bin/offpeak.js\`; \`npm link\` in the clone puts it on your PATH. Each command reads
\`config.json\` of the current folder, unless \`--config\` or \`--data\` name another place. In a folder that
has neither \`config.json\` nor \`backgroundtask/\`, it uses the nearest folder above that has tasks, and says
so; without one, \`start\`, \`new\`, \`eject\`, \`import\` and \`validate\` are refused. \`enable\` and
\`disable\` also work without a server. \`init\` and \`new\` write the files of [a folder of your
own](../how-to/your-own-folder.md).

A command that asks a running server finds its address and token itself. The first of these counts:

1. \`--context NAME\` or \`OFFPEAK_CONTEXT\`, a server that \`offpeak context add\` has given a name
2. \`--url\` or \`OFFPEAK_URL\`, with \`--token\` or \`OFFPEAK_TOKEN\`
3. the server of the current folder, if it has a \`config.json\` or the data of a server
4. the server of the nearest folder above that has tasks
5. the context that \`offpeak context use\` has made the current one
6. the server that was used or started last. It is remembered in \`offpeak/servers.json\` of your state directory
   (\`$XDG_STATE_HOME\`, \`~/.local/state\`), unless its data is in the temporary folder

A command that asks neither the server of its folder nor one by its URL says on standard error which one it asks.

The [exit codes](../how-to/command-line.md#use-it-in-scripts) are the same for all commands.

**A run** is named by its id, by the beginning of its id that no other run has (at least four characters), or by its
task: \`offpeak logs hello\` prints the log of the last run of \`hello\`. **An instant** is ISO 8601 with a zone, such
as \`2026-11-22T03:00+01:00\`, or \`now\`, \`2h ago\`, \`in 15m\`, \`yesterday\`, \`tomorrow 03:00\`,
\`monday 9:00\`, in the zone of the terminal. \`05:00\` alone is the next one, and the last one in options that select
the past.

\`--json\` may stand anywhere in a command line, and the options that find a server before the command too. States are
coloured on a terminal, unless \`NO_COLOR\` is set. Names of earlier versions still work: \`replay\` is \`retry\` of
failed runs, and \`discard\` is \`delete\` of failed runs.`

/** What `--help` prints, in 80 columns. */
function helpOf (command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: piece => {
      text += piece
    },
    getOutHelpWidth: () => 80,
    getOutHasColors: () => false
  }).outputHelp()
  return text.trimEnd()
}

const visible = (command: Command) => command.createHelp().visibleCommands(command).filter(one => one.name() !== 'help')

/** The commands that the help lists, and those of a command that has commands of its own, with their words. */
function listed (program: Command): [string, Command][] {
  return visible(program).flatMap(command =>
    [command, ...visible(command)].map(one => [one === command ? one.name() : `${command.name()} ${one.name()}`, one])
  )
}

const blockOf = (text: string) => `\`\`\`text\n${text}\n\`\`\``

/** The page of every command, made of the text of `--help`. */
export async function cliPage (): Promise<string> {
  const program = await programFor(undefined)
  const sections = listed(program).map(([words, command]) => `## ${words}\n\n${blockOf(helpOf(command))}`)
  return [INTRO, generatedFrom('core/cli/'), blockOf(helpOf(program)), ...sections].join('\n\n') + '\n'
}
