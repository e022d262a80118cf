import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { generatedFrom } from './markdown.ts'

const BIN = resolve(import.meta.dirname, '../../../bin/offpeak.js')
const AT_ONCE = 4

const INTRO = `# Command line

\`offpeak\` is \`node bin/offpeak.js\`; \`npm link\` in the clone puts it on your PATH. Each command reads
\`./config.json\`, so run it in the folder in which the server was started, or name another place with
\`--config\` or \`--data\`. A command that asks a running server finds its address and token itself. \`OFFPEAK_URL\`
and \`OFFPEAK_TOKEN\` name another server. \`enable\` and \`disable\` also work without a server.

| exit code | |
|---|---|
| 0 | done |
| 1 | failed or refused. If you name several runs and one is refused, the command still changes the others |
| 2 | the command line has an error |
| 78 | the configuration has an error |

\`run --wait\`, \`run --follow\`, the same options of \`upload --task\`, and \`test\` exit with the code of the run: 0
completed, 1 failed, 3 cancelled, 4 skipped.`

async function help (words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [BIN, ...words, '--help'], {
    env: { PATH: process.env.PATH, NO_COLOR: '1' }
  })
  return stdout.trimEnd()
}

const commandsIn = (text: string) => [...text.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name!)

/** Commands that have commands of their own. */
const GROUPS = ['token']

const blockOf = (text: string) => `\`\`\`text\n${text}\n\`\`\``

/** The page of every command, made of the output of `--help`. */
export async function cliPage (): Promise<string> {
  const all = await help([])
  const names = [...commandsIn(all),
    ...await Promise.all(GROUPS.map(async group => commandsIn(await help([group])).map(name => `${group} ${name}`)))]
    .flat()
  const texts: string[] = []
  for (let at = 0; at < names.length; at += AT_ONCE) {
    texts.push(...await Promise.all(names.slice(at, at + AT_ONCE).map(name => help(name.split(' ')))))
  }
  const sections = names.map((name, index) => `## ${name}\n\n${blockOf(texts[index]!)}`)
  return [INTRO, generatedFrom('core/cli/'), blockOf(all), ...sections].join('\n\n') + '\n'
}
