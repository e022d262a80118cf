import type { Command } from 'commander'
import type { ForecastView } from '../remote/answers.ts'
import type { Remote } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { durationWords, timeWords } from '../terminal/words.ts'
import { remote, whole } from '../remote/options.ts'
import { say, sayJson } from '../terminal/say.ts'
import { table } from '../terminal/table.ts'

interface Foreseen { from: string, to: string, items: ForecastView[] }

/** How sure a start is, and on what it hangs as things stand. */
function sureWords ({ certainty, conditions }: ForecastView): string {
  if (conditions.length === 0) return certainty
  return `${certainty}: ${conditions.map(({ gate, ok, message }) => ok ? gate : `${gate} (${message})`).join(', ')}`
}

function rowOf (fire: ForecastView): string[] {
  const { nominal_at: nominal, predicted_at: predicted, task, took, collides_with: others } = fire
  const start = predicted === null ? '-' : predicted === nominal ? 'then' : timeWords(predicted)
  return [timeWords(nominal), task, start, sureWords(fire), took === null ? '-' : `${durationWords(took.p50)} (at most ${durationWords(took.p90)})`, others.join(', ') || '-']
}

async function forecast ({ hours, ...given }: Remote & { hours: number }): Promise<void> {
  const client = await Client.find(given)
  const answer = await client.get<Foreseen>(`/api/forecast?hours=${hours}`)
  if (given.json) return sayJson(answer)
  say(answer.items.length === 0 ? `Nothing is planned for the next ${hours} h.` : table(['WHEN', 'TASK', 'START', 'SURE', 'TAKES', 'MEETS'], answer.items.map(rowOf)))
}

/** `forecast`: what will run when. */
export function addForecast (program: Command): void {
  remote(program.command('forecast').description('what will run when, how sure that is, and what it hangs on'))
    .option('--hours <count>', 'how far to look', whole('--hours', 1, 168), 24)
    .action(forecast)
}
