import { STATES } from '../../../model/run/run.ts'
import type { NewRun, Reason, Run } from '../../../model/run/run.ts'
import type { Schedule } from '../../../model/schedule/schedule.ts'
import { add } from './add.ts'
import type { PlanAsk, Planned } from '../../engine.ts'
import type { RunRow } from '../state/rows.ts'
import { cancel } from './settle.ts'
import type { Store } from '../state/store.ts'
import { named } from './unique.ts'

/** Writes the fires of one schedule with its cursor, when the stored cursor is still the one that was read. */
export function plan (store: Store, ask: PlanAsk): Planned {
  const planned: Planned = { applied: false, added: [], skipped: [], coalesced: 0, replaced: [] }
  if (ask.early && isMinded(ask) && openRuns(store, ask.schedule).length > 0) return planned
  if (!keep(store, ask)) return planned
  planned.applied = true
  for (const fire of ask.fires) addFire(store, fire, ask, planned)
  return planned
}

function keep (store: Store, { schedule, from }: PlanAsk): boolean {
  const body = JSON.stringify(schedule)
  if (from !== null) return store.sql('update schedule set cursor = ?, body = ? where id = ? and cursor = ?').run(schedule.cursor, body, schedule.id, from).changes === 1
  store.sql(`
    insert into schedule (id, cursor, body) values (?, ?, ?)
    on conflict (id) do update set cursor = excluded.cursor, body = excluded.body`)
    .run(schedule.id, schedule.cursor, body)
  return true
}

const OPEN = [STATES.indexOf('blocked'), STATES.indexOf('queued'), STATES.indexOf('running')]

/** The unfinished runs of a schedule. Memory tells when its task has none at all. */
function openRuns (store: Store, { id, task }: Schedule): Run[] {
  if (!store.lanes.ofTask(task).some(({ counts }) => OPEN.some(place => counts[place]! > 0))) return []
  return store.all<RunRow>('select * from run where schedule = ? and schedule is not null and state <= 2 order by id', id).map(row => store.toRun(row))
}

/** Whether an unfinished run of the schedule says what becomes of a fire. */
const isMinded = ({ overlap }: PlanAsk): boolean => overlap === 'skip' || overlap === 'replace'

function addFire (store: Store, fire: NewRun, ask: PlanAsk, planned: Planned): void {
  const open = !fire.skipped && isMinded(ask) ? openRuns(store, ask.schedule) : []
  if (open.length === 0) return insert(store, fire, ask, planned)
  // A fire that has its run is dealt with: it may neither coalesce nor replace.
  if (named(store, fire, ask.now)) return
  if (ask.overlap === 'replace') replace(store, open, ask, planned)
  else if (yields(store, fire, open, planned)) return
  const running = ask.overlap === 'skip' ? open.find(run => run.state === 'running') : undefined
  insert(store, running ? { ...fire, skipped: overlapping(running) } : fire, ask, planned)
}

const overlapping = (running: Run): Reason =>
  ({ code: 'overlap', message: `Run ${running.id} of the same schedule is still running` })

/** True when a waiting run of the schedule now stands for the fire too. */
function yields (store: Store, fire: NewRun, open: Run[], planned: Planned): boolean {
  const waiting = open.find(run => run.state !== 'running')
  if (!waiting) return false
  store.save(waiting, { ...waiting, missed: waiting.missed + 1 + (fire.missed ?? 0) })
  planned.coalesced += 1
  return true
}

function replace (store: Store, open: Run[], { now }: PlanAsk, planned: Planned): void {
  const reason: Reason = { code: 'replaced', message: 'A later fire of the same schedule takes its place' }
  for (const run of open) {
    if (run.cancel) continue
    planned.replaced.push(cancel(store, { id: run.id, reason, now })!)
  }
}

function insert (store: Store, fire: NewRun, { now }: PlanAsk, planned: Planned): void {
  const { run, created } = add(store, [fire], now)[0]!
  if (!created) return
  if (run.state === 'skipped') planned.skipped.push(run)
  else planned.added.push(run)
}

/** Every schedule, by id. */
export const schedules = (store: Store): Schedule[] =>
  store.all<{ body: string }>('select body from schedule order by id').map(({ body }) => JSON.parse(body) as Schedule)

/** False: no such schedule. */
export const unplan = (store: Store, id: string): boolean =>
  store.sql('delete from schedule where id = ?').run(id).changes === 1
