import type { FullRun, ManagerFace, Passed, Run, Schedule, StoredAuditEntry, StoredLine } from '../../core/index.ts'
import { fullRunView, heldReason, inputInvalid, instantIn as readInstant, iso, levelName, runView,
  scheduleView } from '../../core/index.ts'

/** Why a due run is held, with the command that starts it; null for a run that is not held. */
const heldOf = (manager: ManagerFace, run: Run) =>
  heldReason(run.due_at <= manager.clock.now() ? manager.desk.verdict(run) : null, run.id)

function withHeld<V extends ReturnType<typeof runView>> (view: V, held: ReturnType<typeof heldOf>) {
  return { ...view, held, label: held === null ? view.label : 'held' as const }
}

/** A run with its label and the reason that holds it. */
export const runAnswer = (manager: ManagerFace, run: Run) =>
  withHeld(runView(run, manager.clock.now()), heldOf(manager, run))

/** A requested run; one that starts at once has the gates that it passes in `passes`. */
export const requestedAnswer = (manager: ManagerFace, { run, passes }: { run: Run, passes: Passed[] }) => ({
  ...runAnswer(manager, run),
  ...run.now && { passes }
})

/** A run with payload, result and earlier attempts. */
export const fullRunAnswer = (manager: ManagerFace, run: FullRun) =>
  withHeld(fullRunView(run, manager.clock.now()), heldOf(manager, run))

/** A schedule, with the reason when it does not fire. */
export const scheduleAnswer = (manager: ManagerFace, schedule: Schedule) =>
  scheduleView(schedule, manager.desk.scheduleRest(schedule))

export const lineAnswer = ({ at, level, ...line }: StoredLine) => ({ ...line, at: iso(at)!, level: levelName(level) })

export const entryAnswer = ({ at, ...entry }: StoredAuditEntry) => ({ ...entry, at: iso(at)! })

/** Epoch ms of an instant in a request; `pointer` names it in the OFFPEAK_INPUT_INVALID that a wrong one throws. */
export const instantIn = (pointer: string, value: string | undefined): number | undefined =>
  value === undefined ? undefined : readInstant(value, { what: `The ${partOf(pointer)} does not fit`, pointer })

const partOf = (pointer: string) => pointer.startsWith('/query') ? 'query' : 'body'

/** An OFFPEAK_INPUT_INVALID for one member of a query or body. */
export const misfit = (pointer: string, detail: string) =>
  inputInvalid({ what: `The ${partOf(pointer)} does not fit`, errors: [{ pointer, detail }] })

/** Throws OFFPEAK_INPUT_INVALID for runs that have both `delay` and `due_at`; `place` returns the pointer of the run at
 *  an index. */
export function checkDue (
  asks: readonly { delay?: unknown, due_at?: unknown }[],
  place: (index: number) => string = () => ''
): void {
  const errors = asks.flatMap(({ delay, due_at: due }, index) =>
    delay === undefined || due === undefined ? [] : [
      { pointer: `${place(index)}/delay`, detail: "cannot be combined with 'due_at'" },
      { pointer: `${place(index)}/due_at`, detail: "cannot be combined with 'delay'" }
    ]
  )
  if (errors.length > 0) throw inputInvalid({ what: 'The body does not fit', errors })
}

/** The pointer of the run at an index of a body with `runs`. */
export const runPlace = (index: number): string => `/runs/${index}`

interface SpanAsk {
  from: string | undefined
  to: string | undefined
  now: number
  lengthMs: number
}

/** The time range of a query, epoch ms. `to` defaults to now, `from` to `lengthMs` before the end. Throws
 *  OFFPEAK_INPUT_INVALID. */
export function spanIn ({ from, to, now, lengthMs }: SpanAsk): { from: number, to: number } {
  const end = instantIn('/query/to', to) ?? now
  const start = instantIn('/query/from', from) ?? end - lengthMs
  if (start >= end) throw misfit('/query/from', `found ${from}, expected an instant before the end, ${iso(end)}`)
  return { from: start, to: end }
}

/** Throws OFFPEAK_INPUT_INVALID for a request without a selection: it would change every dead run. */
export function checkSelection (
  { task, fingerprint, all = false }: { task?: string, fingerprint?: string, all?: boolean }
): void {
  if (task === undefined && fingerprint === undefined && !all) {
    throw misfit('', "expected 'task', 'fingerprint' or 'all': true")
  }
}
