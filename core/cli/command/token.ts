import type { Command } from 'commander'
import type { TokenOptions, TokenCreateOptions } from '../local/token.ts'
import { Option } from 'commander'
import { localOptions } from '../remote/options.ts'

const SCOPES = ['read', 'run', 'control']

/** `token create`, `token list` and `token revoke`: access for other clients. */
export function addToken (program: Command): void {
  const token = program.command('token').summary('manage tokens of other clients').description(
    'manage tokens of other clients, each with a name and a scope; a running server applies changes at once'
  )
  localOptions(token.command('create <name>').description('create a token and print it, once: only its hash is stored'))
    .addOption(
      new Option('--scope <scope>', 'read: see everything; run: also add runs, signals and files; control: everything')
        .choices(SCOPES).makeOptionMandatory()
    )
    .option('--expires <duration>',
      "how long it is valid: seconds, or a duration such as '90d'; default: until revoked")
    .option('--json', 'print JSON')
    .action(async (name: string, given: TokenCreateOptions) => (await import('../local/token.ts')).create(name, given))
  localOptions(token.command('list').description('list tokens: name, scope, creation and end'))
    .option('--json', 'print JSON')
    .action(async (given: TokenOptions) => (await import('../local/token.ts')).list(given))
  localOptions(token.command('revoke <name>').description('revoke a token: the next request with it is refused'))
    .option('--json', 'print JSON')
    .action(async (name: string, given: TokenOptions) => (await import('../local/token.ts')).revoke(name, given))
}
