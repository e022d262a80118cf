import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import type { SignalView } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { Option } from 'commander'
import { agoWords } from '../terminal/time-words.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** A number, true or false if the text is one, otherwise the text. */
function valueOf (text: string): number | string | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return text.trim() === '' || !Number.isFinite(Number(text)) ? text : Number(text)
}

async function remove (client: Client, name: string, given: RemoteOptions): Promise<void> {
  await client.delete(`/api/signals/${encodeURIComponent(name)}`)
  if (given.json) return printJson({ name })
  print(plain(`${name} is deleted`))
}

async function signal (
  name: string,
  value: string | undefined,
  { ttl, drop: dropped, ...given }: RemoteOptions & { ttl?: string, drop?: boolean }
): Promise<void> {
  if ((value === undefined) !== (dropped ?? false)) {
    throw usageInvalid('signal needs a value, or --drop', `Set it: offpeak signal ${name} 650 --ttl 1h`)
  }
  const client = await Client.find(given)
  if (value === undefined) return await remove(client, name, given)
  const set = await client.put<SignalView>(`/api/signals/${encodeURIComponent(name)}`, {
    value: valueOf(value),
    ...ttl !== undefined && { ttl }
  })
  if (given.json) return printJson(set)
  print(plain(`${name} is ${set.value}, valid for ${agoWords(set.expires_at).replace(/^in /, '')}`))
}

/** `signal`: sets a value from outside that tasks can wait for. */
export function addSignal (program: Command): void {
  remoteOptions(
    program.command('signal <name> [value]').summary('set a value that tasks can wait for').description(
      'set a signal that tasks can wait for: a number, true, false or a text'
    )
  )
    .option('--ttl <duration>',
      "how long it is valid: seconds, or a duration such as '1h'; required for a signal that is not configured")
    .addOption(new Option('--drop', 'delete the signal').conflicts('ttl'))
    .action(signal)
}
