import { isAbsolute, relative } from 'node:path'
import type { Command } from 'commander'
import type { ExplanationView } from '../remote/answers.ts'
import type { Remote } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { OffpeakError, placeWords } from '../../model/base/errors.ts'
import { agoWords, timeWords } from '../terminal/run-words.ts'
import { coloured, plain, say, sayJson } from '../terminal/output.ts'
import { gateWords } from '../terminal/gate-words.ts'
import { instant, remote } from '../remote/options.ts'
import { isFinal } from '../../model/run/run.ts'
import { spanWords } from '../../model/base/duration.ts'
import { table } from '../terminal/table.ts'

type Gate = ExplanationView['gates'][number]

const THEN = { run: 'it runs anyway', skip: 'it is skipped', fail: 'it fails' }
const VERDICTS = { start: 'may start', hold: 'is held', skip: 'is to be skipped', fail: 'is to fail' }

/** What held a run so far, by reason: `2 h 12 m: on battery; 40 m: peak hours`. */
export function heldWords (holds: ExplanationView['holds']): string {
  const sums = new Map<string, { seconds: number, message: string }>()
  for (const { code, message, seconds } of holds) {
    sums.set(code, { message, seconds: (sums.get(code)?.seconds ?? 0) + seconds })
  }
  return [...sums.values()].map(({ seconds, message }) => `${spanWords(seconds * 1000)}: ${message}`).join('; ')
}

function verdictWords ({ task, run, decision, message, gates, resting }: ExplanationView): string {
  // Nothing was judged of a task that had no run.
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

/** When it can start, as far as that can be foreseen. */
function earliestWords ({ earliest, deadline, decision }: ExplanationView, now: number): string {
  if (earliest === null || decision === 'start') return ''
  if (earliest.at === deadline?.at) return 'at its deadline, unless what holds it clears before'
  return `${timeWords(earliest.at, now)} (${agoWords(earliest.at, now)})${
    earliest.certain ? '' : ', if nothing else holds it then'
  }`
}

/** What becomes of it at its deadline. One that is past it and still held is held by what gives way to no deadline. */
function deadlineWords ({ deadline, decision }: ExplanationView, now: number): string {
  if (deadline === null) return ''
  const isPast = decision === 'hold' && Date.parse(deadline.at) <= now
  return `${timeWords(deadline.at, now)} (${agoWords(deadline.at, now)}): ${
    isPast ? 'what holds it gives way to no deadline' : THEN[deadline.on_deadline]
  }`
}

function factsOf (answer: ExplanationView, now: number): [string, string][] {
  const { class: kind, relaxed, advice, holds, resting } = answer
  return [
    ['held', heldWords(holds)],
    ['earliest', earliestWords(answer, now)],
    ['deadline', resting === null ? deadlineWords(answer, now) : ''],
    ['class', kind === null ? '' : `${kind.class} (${kind.because})`],
    ['limits', relaxed === 0 ? '' : `have given way by ${Math.round(relaxed * 100)} %, as the deadline nears`],
    ['advice', advice === null ? '' : `${advice.decision}: ${advice.reason}`]
  ]
}

/** `backgroundtask/photos.ts:12 /constraints/power`, or another word for where a requirement comes from. */
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
  const marks = coloured() ? ['✓', '✗'] : ['+', '-']
  const { seen, wanted } = gateWords(gate)
  const passed = bypassed === null ? '' : ` (passed: ${bypassed})`
  return [marks[ok ? 0 : 1]!, gate.gate, seen, `${wanted}${passed}`, since === null ? '-' : timeWords(since, now),
    clears === null ? '-' : timeWords(clears, now), sourceWords(gate)]
}

/** An explanation on a terminal: the verdict, what led to it, and every gate. */
export function explanationWords (answer: ExplanationView, now = Date.now()): string {
  const facts = factsOf(answer, now).filter(([, value]) => value !== '').map(([name, value]) =>
    `  ${name.padEnd(9)} ${plain(value)}`
  )
  const gates = answer.gates.length === 0
    ? []
    : ['', table(['', 'GATE', 'NOW', 'NEEDS', 'SINCE', 'CLEARS', 'SOURCE'], answer.gates.map(gate => rowOf(gate, now)))]
  return [plain(verdictWords(answer)), ...facts, ...gates].join('\n')
}

async function asked (client: Client, id: string, at: string | undefined): Promise<ExplanationView> {
  const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`
  const of = (what: string) => client.get<ExplanationView>(`/api/${what}/${encodeURIComponent(id)}/why${query}`)
  try {
    return await of('tasks')
  } catch (missing) {
    if (!(missing instanceof OffpeakError) ||
      !['OFFPEAK_TASK_NOT_FOUND', 'OFFPEAK_TASKS_LOADING'].includes(missing.code)) throw missing
    return await of('runs').catch(error => {
      throw (error as OffpeakError).code === 'OFFPEAK_RUN_NOT_FOUND' ? missing : error
    })
  }
}

async function why (id: string, { at, ...given }: Remote & { at?: string }): Promise<void> {
  const answer = await asked(await Client.find(given), id, at)
  if (given.json) return sayJson(answer)
  say(explanationWords(answer))
}

/** `why`: what holds a task or a run, until when, and where that is written. */
export function addWhy (program: Command): void {
  remote(program.command('why <task|run>').description('why a task or a run waits: every gate, and when it opens'))
    .option('--at <instant>',
      'then instead of now: the past from what was written down, the future from clock and calendar', instant('--at'))
    .action(why)
}
