import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { findPaused, pauseScopeWords } from '../input/pause-scope.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'

async function resume (what: string, given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  const { scope, name } = await findPaused(client, what)
  await client.delete(`/api/pauses?${new URLSearchParams({ scope, ...name !== undefined && { name } })}`)
  if (given.json) return printJson({ scope, name: name ?? null })
  print(plain(`${pauseScopeWords({ scope, ...name !== undefined && { name } })} is resumed`))
}

/** `resume`: ends a pause. */
export function addResume (program: Command): void {
  remoteOptions(
    program.command('resume <what>').summary('end a pause').description(
      'end the pause of all, or of the task, queue or tag with this name'
    )
  ).action(resume)
}
