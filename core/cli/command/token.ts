import type { Command } from 'commander'
import type { TokenGiven, TokenMade } from '../local/token.ts'
import { Option } from 'commander'
import { local } from '../remote/options.ts'

const SCOPES = ['read', 'run', 'control']

/** `token`: who else may ask this offpeak, and for what. */
export function addTokens (program: Command): void {
  const token = program.command('token').description(
    'tokens for others, with a name and a scope; a server that runs minds them at once'
  )
  local(token.command('create <name>').description('make one and print it, once: only its hash is kept'))
    .addOption(
      new Option('--scope <scope>', 'read: see everything; run: add runs, signals and files too; control: everything')
        .choices(SCOPES).makeOptionMandatory()
    )
    .option('--expires <duration>', "after so long it is none any more: seconds, or words such as '90d'")
    .option('--json', 'answer in JSON')
    .action(async (name: string, given: TokenMade) => (await import('../local/token.ts')).create(name, given))
  local(token.command('list').description('the tokens: name, scope, when they were made and end'))
    .option('--json', 'answer in JSON')
    .action(async (given: TokenGiven) => (await import('../local/token.ts')).list(given))
  local(token.command('revoke <name>').description('end one: the next request with it is refused'))
    .option('--json', 'answer in JSON')
    .action(async (name: string, given: TokenGiven) => (await import('../local/token.ts')).revoke(name, given))
}
