import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { pauseScopeOf } from '../input/pause-scope.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'

async function resume (what: string, given: RemoteOptions): Promise<void> {
  const { scope, name } = pauseScopeOf(what)
  const client = await Client.find(given)
  await client.delete(`/api/pauses?${new URLSearchParams({ scope, ...name !== undefined && { name } })}`)
  if (given.json) return printJson({ scope, name: name ?? null })
  print(plain(`${what} is resumed`))
}

/** `resume`: ends a pause. */
export function addResume (program: Command): void {
  remoteOptions(
    program.command('resume <what>').summary('end a pause').description(
      'end the pause of all, queue:NAME, task:NAME or tag:NAME'
    )
  ).action(resume)
}
