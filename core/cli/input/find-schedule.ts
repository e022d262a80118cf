import type { Client } from '../remote/client.ts'
import type { ScheduleAnswer } from '../remote/answers.ts'
import { nearest } from '../../model/base/nearest.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** The schedule with this id, or with an id that alone begins so. Throws OFFPEAK_USAGE_INVALID. */
export async function findSchedule (client: Client, word: string): Promise<ScheduleAnswer> {
  const all = await client.get<ScheduleAnswer[]>('/api/schedules')
  const exact = all.find(({ id }) => id === word)
  if (exact !== undefined) return exact
  const found = all.filter(({ id }) => id.startsWith(word))
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    throw usageInvalid(`Several schedules begin with '${word}': ${found.map(({ id }) => id).join(', ')}`,
      'Add characters until only one of them is meant.')
  }
  const near = nearest(word, all.map(({ id }) => id))
  throw usageInvalid(`No schedule has the id '${word.slice(0, 80)}'`,
    near === null ? '`offpeak schedules` lists them.' : `Did you mean '${near}'? \`offpeak schedules\` lists them.`)
}
