import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Context } from '../remote/known-servers.ts'
import { changeServers, knownServers } from '../remote/known-servers.ts'
import { nearest } from '../../model/base/nearest.ts'
import { print, printJson } from '../terminal/output.ts'
import { serverUrl } from '../exchange/server-url.ts'
import { table } from '../terminal/table.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

interface JsonOption {
  json?: boolean
}

const NAME = /^[\w.-]{1,64}$/

function tokenWords ({ token, token_file: file }: Context): string {
  return file === undefined ? token === undefined ? 'none' : 'stored' : `in ${file}`
}

async function list ({ json }: JsonOption): Promise<void> {
  const { last, current, contexts } = await knownServers(process.env)
  if (json) {
    const shown = Object.entries(contexts).map(([name, { token, ...rest }]) => ({
      name,
      current: name === current,
      ...rest,
      has_token: token !== undefined
    }))
    return printJson({ contexts: shown, last })
  }
  const rows = Object.entries(contexts).map((
    [name, context]
  ) => [name === current ? '*' : '', name, context.url, tokenWords(context)])
  print(rows.length === 0 ? 'There are no contexts.' : table(['', 'CONTEXT', 'URL', 'TOKEN'], rows))
  if (last !== null) print(`Last used on this machine: ${last.url}, data in ${last.data}`)
}

async function add (
  name: string,
  { url, token, tokenFile, json }: JsonOption & { url: string, token?: string, tokenFile?: string }
): Promise<void> {
  if (!NAME.test(name)) {
    throw usageInvalid(`'${name.slice(0, 80)}' is not a name: expected up to 64 letters, digits, '.', '_' and '-'`)
  }
  serverUrl('--url', url)
  const file = tokenFile === undefined ? undefined : resolve(tokenFile)
  if (file !== undefined) {
    await readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw usageInvalid(`--token-file: ${file} cannot be read (${error.code})`)
    })
  }
  const context = { url, ...token !== undefined && { token }, ...file !== undefined && { token_file: file } }
  await changeServers(known => ({ ...known, contexts: { ...known.contexts, [name]: context } }), process.env)
  if (json) return printJson({ name, url })
  print(`${name} is ${url}; \`offpeak context use ${name}\` makes it the server of all folders without one`)
}

/** Throws OFFPEAK_USAGE_INVALID unless there is a context of this name. */
function checkKnown (name: string, contexts: Record<string, Context>): void {
  if (Object.hasOwn(contexts, name)) return
  const near = nearest(name, Object.keys(contexts))
  throw usageInvalid(`There is no context '${name}'`, near === null ? undefined : `Did you mean '${near}'?`)
}

async function use (name: string | undefined, { none = false, json }: JsonOption & { none?: boolean }): Promise<void> {
  if ((name === undefined) !== none) throw usageInvalid('context use needs a name, or --none')
  await changeServers(known => {
    if (name !== undefined) checkKnown(name, known.contexts)
    return { ...known, current: name ?? null }
  }, process.env)
  if (json) return printJson({ current: name ?? null })
  print(name === undefined ? 'No context is current.' : `${name} is the current context`)
}

async function remove (name: string, { json }: JsonOption): Promise<void> {
  await changeServers(({ contexts, current, ...known }) => {
    checkKnown(name, contexts)
    const { [name]: _, ...rest } = contexts
    return { ...known, current: current === name ? null : current, contexts: rest }
  }, process.env)
  if (json) return printJson({ name })
  print(`${name} is removed`)
}

/** `context`, `context add`, `context use` and `context remove`: names for servers. */
export function addContext (program: Command): void {
  const context = program.command('context').summary('list servers by name, or add one').description(
    'list the servers with a name, which commands ask with --context or, outside the folder of a server, by default'
  ).option('--json', 'print JSON').action(list)
  context.command('add <name>').description('give a server a name, or a known name another server')
    .requiredOption('--url <url>', 'URL of the server')
    .option('--token <token>', 'access token; stored in a file that only you can read')
    .option('--token-file <file>', 'file with the access token; it is read at each use')
    .option('--json', 'print JSON')
    .action(add)
  context.command('use [name]').description('make it the server of commands outside the folder of a server')
    .option('--none', 'no server: the one that was used last')
    .option('--json', 'print JSON')
    .action(use)
  context.command('remove <name>').description('forget a server')
    .option('--json', 'print JSON')
    .action(remove)
}
