import type { Command } from 'commander'
import type { Remote } from '../remote/options.ts'
import type { SignalView } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { Option } from 'commander'
import { agoWords } from '../terminal/run-words.ts'
import { plain, say, sayJson } from '../terminal/output.ts'
import { remote } from '../remote/options.ts'
import { usageInvalid } from '../../model/base/errors.ts'

/** A number, true, false, or the text itself. */
function valueOf (text: string): number | string | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return text.trim() === '' || !Number.isFinite(Number(text)) ? text : Number(text)
}

async function drop (client: Client, name: string, given: Remote): Promise<void> {
  await client.delete(`/api/signals/${encodeURIComponent(name)}`)
  if (given.json) return sayJson({ name })
  say(plain(`${name} is forgotten`))
}

async function signal (
  name: string,
  value: string | undefined,
  { ttl, drop: dropped, ...given }: Remote & { ttl?: string, drop?: boolean }
): Promise<void> {
  if ((value === undefined) !== (dropped ?? false)) {
    throw usageInvalid('A signal is given a value, or dropped with --drop', `offpeak signal ${name} 650 --ttl 1h`)
  }
  const client = await Client.find(given)
  if (value === undefined) return await drop(client, name, given)
  const set = await client.put<SignalView>(`/api/signals/${encodeURIComponent(name)}`, {
    value: valueOf(value),
    ...ttl !== undefined && { ttl }
  })
  if (given.json) return sayJson(set)
  say(plain(`${name} is ${set.value}, and counts for ${agoWords(set.expires_at).replace(/^in /, '')}`))
}

/** `signal`: a value from outside that tasks may wait for. */
export function addSignal (program: Command): void {
  remote(
    program.command('signal <name> [value]').description(
      'set a signal that tasks may wait for: a number, true, false or a text'
    )
  )
    .option('--ttl <duration>',
      "how long it counts: seconds, or words such as '1h'; needed unless the configuration knows the signal")
    .addOption(new Option('--drop', 'forget it').conflicts('ttl'))
    .action(signal)
}
