import { readdirSync, readFileSync } from 'node:fs'
import tap from 'tap'
import { compileTrigger, nextFires } from '../../core/model/trigger.ts'

interface Vector {
  id: string
  class: string
  trigger: string
  args: Record<string, unknown>
  timezone: string
  after: string
  count?: number
  expect?: string[]
  expect_between?: [string, string][]
  error?: boolean
}

const folder = new URL('../vectors/', import.meta.url)

// The vectors know the time zones of 2025. Morocco has since given up its clock changes: where the zone data here knows
// that, instants from then on are not compared.
const MOROCCO_STAYS = '2026-09-20T01:00:00.000Z'
const movedSince =
  Temporal.Instant.from('2027-08-01T00:00:00Z').toZonedDateTimeISO('Africa/Casablanca').offset === '+00:00'
const isMoved = ({ args, timezone }: Vector) => movedSince && (args.timezone ?? timezone) === 'Africa/Casablanca'

const specOf = ({ trigger, args, timezone }: Vector) =>
  trigger === 'crontab'
    ? { trigger: 'cron', trigger_args: { expression: args.expr }, timezone }
    : { trigger, trigger_args: args, timezone }

function codeOf (work: () => unknown): string {
  try {
    work()
    return 'accepted'
  } catch (error) {
    return (error as { code?: string }).code ?? 'no code'
  }
}

function fails (vector: Vector): boolean {
  const { after, count = 8, expect_between: between, error } = vector
  const ask = { ...specOf(vector), after, count }
  if (error === true) return codeOf(() => nextFires(ask)) !== 'OFFPEAK_TRIGGER_INVALID'
  if (between !== undefined) {
    return [0, 0.5, 1].some(chance =>
      nextFires({ ...ask, random: () => chance }).some((fire, index) =>
        fire < between[index]![0] || fire > between[index]![1]
      )
    )
  }
  const known = (fires: string[]) => (isMoved(vector) ? fires.filter(fire => fire < MOROCCO_STAYS) : fires).join()
  return known(nextFires(ask)) !== known(vector.expect!)
}

/** Whether looking back from the last expected fire disagrees with looking forward. */
function disagrees (vector: Vector): boolean {
  const { after, expect } = vector
  const last = expect?.at(-1)
  if (last === undefined || isMoved(vector)) return false
  const trigger = compileTrigger(specOf(vector), Date.parse(after))
  const [from, to] = [Date.parse(after), Date.parse(last)]
  return trigger.latest(from, to) !== to || trigger.count(from, to, 100) !== expect!.length
}

for (const file of readdirSync(folder)) {
  const vectors = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vector[]
  for (const [name, group] of Map.groupBy(vectors, vector => vector.class)) {
    tap.test(`${name} fires when the vectors say`, async t => {
      t.same(group.filter(fails).map(vector => vector.id), [], 'forward')
      t.same(group.filter(disagrees).map(vector => vector.id), [], 'backward')
    })
  }
}
