import { isAbsolute, relative } from 'node:path'
import type { Command } from 'commander'
import type { ExplanationView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { findRun } from '../remote/find-run.ts'
import { OffpeakError, placeWords } from '../../model/errors/errors.ts'
import { agoWords, isElsewhere, timeWords, zonedWords } from '../terminal/time-words.ts'
import { isColoured, plain, print, printJson } from '../terminal/output.ts'
import { gateWords } from '../terminal/gate-words.ts'
import { pastInstant, remoteOptions } from '../remote/options.ts'
import { isFinal } from '../../model/run/run.ts'
import { spanWords } from '../../model/base/duration.ts'
import { table } from '../terminal/table.ts'
import { zoneOf } from '../remote/zone-of.ts'

type Gate = ExplanationView['gates'][number]

/** `zone`: the zone of the schedule. */
interface Reader {
  now: number
  zone: string | null
}

const THEN = { run: 'it runs anyway', skip: 'it is skipped', fail: 'it fails' }
/** What a reason of a class means, where it does not say so itself. */
const BECAUSE: Record<string, string> = {
  'no keyword': 'nothing in its definition names another class; `class` sets it'
}
/** What the power supply suggests; it decides nothing. */
const ADVICE = {
  execute_now: null,
  defer_to_background: 'wait until the machine is idle or the battery is fuller',
  defer_to_charging: 'wait until the battery charges'
}
const OF_POWER = ['power', 'ups', 'battery', 'charge']
const VERDICTS = { start: 'may start', hold: 'is held', skip: 'will be skipped', fail: 'will fail' }

/** What has held a run so far, by reason: `2 h 12 m: on battery; 40 m: peak hours`. */
export function heldWords (holds: ExplanationView['holds']): string {
  const sums = new Map<string, { seconds: number, message: string }>()
  for (const { code, message, seconds } of holds) {
    sums.set(code, { message, seconds: (sums.get(code)?.seconds ?? 0) + seconds })
  }
  return [...sums.values()].map(({ seconds, message }) => `${spanWords(seconds * 1000)}: ${message}`).join('; ')
}

/** The reasons of the closed gates after the first, whose reason is in the first line. */
function otherReasons ({ decision, gates }: ExplanationView): string {
  const [, ...others] = new Set(gates.filter(({ ok }) => !ok).map(({ message }) => message))
  return decision === 'hold' ? others.join('; ') : ''
}

function verdictWords ({ task, run, decision, message, gates, resting }: ExplanationView): string {
  // A task without a run has no verdict.
  if (resting !== null || (run === null && gates.length === 0)) return `${task}: ${message}`
  const name = run === null ? task : `${task} (run ${run})`
  if (decision === 'hold' && gates.find(({ ok }) => !ok)?.gate === 'due') return `${name} is ${message}`
  const verb = decision in VERDICTS
    ? VERDICTS[decision as keyof typeof VERDICTS]
    : isFinal(decision as 'failed')
    ? decision
    : 'was running'
  return decision === 'running' || message === `it ${decision}` ? `${name} ${verb}` : `${name} ${verb}: ${message}`
}

/** The earliest start, as far as it can be predicted. */
function earliestWords ({ earliest, deadline, decision }: ExplanationView, now: number): string {
  if (earliest === null || decision === 'start') return ''
  if (earliest.at === deadline?.at) return 'as soon as nothing holds it, at its deadline at the latest'
  return `${timeWords(earliest.at, now)} (${agoWords(earliest.at, now)})${
    earliest.certain ? '' : ', unless another gate holds it then'
  }`
}

/** What happens at the deadline. A run that is held past it is held by gates that ignore deadlines. */
function deadlineWords ({ deadline, decision }: ExplanationView, now: number): string {
  if (deadline === null) return ''
  const isPast = decision === 'hold' && Date.parse(deadline.at) <= now
  return `${timeWords(deadline.at, now)} (${agoWords(deadline.at, now)}): ${
    isPast ? 'the gates that hold it ignore deadlines' : THEN[deadline.on_deadline]
  }`
}

/** When it is due, if the clocks of its schedule show another time than those of the reader. */
function dueWords ({ gates }: ExplanationView, { now, zone }: Reader): string {
  const due = gates.find(({ gate }) => gate === 'due')?.required
  return typeof due === 'string' && zone !== null && isElsewhere(due, zone) ? zonedWords(due, zone, now) : ''
}

/** The advice for a run that the power supply holds. Its reason may be that of another gate, so that of the supply is
 *  printed. */
function adviceWords ({ advice, decision, gates }: ExplanationView): string {
  const closed = gates.find(({ gate, ok }) => !ok && OF_POWER.includes(gate))
  const words = decision === 'hold' && advice !== null && closed !== undefined ? ADVICE[advice.decision] : null
  return words === null ? '' : `${words}: ${closed!.message}`
}

function factsOf (answer: ExplanationView, reader: Reader): [string, string][] {
  const { class: kind, relaxed, holds, resting } = answer
  const { now } = reader
  return [
    ['also', otherReasons(answer)],
    ['due', dueWords(answer, reader)],
    ['held', heldWords(holds)],
    ['earliest', earliestWords(answer, now)],
    ['deadline', resting === null ? deadlineWords(answer, now) : ''],
    ['class', kind === null ? '' : `${kind.class} (${BECAUSE[kind.because] ?? kind.because})`],
    ['limits', relaxed === 0 ? '' : `relaxed by ${Math.round(relaxed * 100)} %, as the deadline is near`],
    ['advice', adviceWords(answer)]
  ]
}

/** Where a requirement comes from: `backgroundtask/photos.ts:12 /constraints/power`, or a word. */
function sourceWords ({ place, source }: Gate): string {
  if (place === null) return source
  const { file } = place
  return placeWords({
    ...place,
    ...file !== undefined && { file: isAbsolute(file) ? relative(process.cwd(), file) : file }
  })
}

function rowOf (gate: Gate, now: number): string[] {
  const { ok, bypassed, since, clears_at: clears } = gate
  const marks = isColoured() ? ['✓', '✗'] : ['+', '-']
  const { seen, wanted } = gateWords(gate)
  const passed = bypassed === null ? '' : ` (bypassed: ${bypassed})`
  return [marks[ok ? 0 : 1]!, gate.gate, seen, `${wanted}${passed}`, since === null ? '-' : timeWords(since, now),
    clears === null ? '-' : timeWords(clears, now), sourceWords(gate)]
}

/** An explanation for a terminal: the verdict, the facts behind it, and every gate. */
export function explanationWords (answer: ExplanationView, now = Date.now(), zone: string | null = null): string {
  const facts = factsOf(answer, { now, zone }).filter(([, value]) => value !== '').map(([name, value]) =>
    `  ${name.padEnd(9)} ${plain(value)}`
  )
  const gates = answer.gates.length === 0
    ? []
    : ['', table(['', 'GATE', 'NOW', 'NEEDS', 'SINCE', 'CLEARS', 'SOURCE'], answer.gates.map(gate => rowOf(gate, now)))]
  return [plain(verdictWords(answer)), ...facts, ...gates].join('\n')
}

async function explanationOf (client: Client, word: string, at: string | undefined): Promise<ExplanationView> {
  const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`
  const of = (what: string, id: string) =>
    client.get<ExplanationView>(`/api/${what}/${encodeURIComponent(id)}/why${query}`)
  try {
    return await of('tasks', word)
  } catch (missing) {
    if (!(missing instanceof OffpeakError) ||
      !['OFFPEAK_TASK_NOT_FOUND', 'OFFPEAK_TASKS_LOADING'].includes(missing.code)) throw missing
    return await findRun(client, word).then(id => of('runs', id)).catch(error => {
      throw (error as OffpeakError).code === 'OFFPEAK_RUN_NOT_FOUND' ? missing : error
    })
  }
}

async function why (id: string, { at, ...given }: RemoteOptions & { at?: string }): Promise<void> {
  const client = await Client.find(given)
  const answer = await explanationOf(client, id, at)
  if (given.json) return printJson(answer)
  print(explanationWords(answer, Date.now(), await zoneOf(client, answer.task)))
}

/** `why`: what holds a task or a run, until when, and where that is configured. */
export function addWhy (program: Command): void {
  remoteOptions(
    program.command('why <task|run>').summary('explain why a task or a run waits').description(
      'explain why a task or a run waits: every gate, and when it opens'
    )
  )
    .option('--at <instant>',
      'explain another instant: the past from recorded facts, the future from clock and calendar', pastInstant('--at'))
    .action(why)
}
