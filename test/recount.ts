import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The rules for the rows of an idle store, with the statement that selects the rows that break each. */
const FAULTS: Record<string, string> = {
  'a running run has an owner': 'select id from run where state = 2 and owner is null',
  'no other run has an owner': 'select id from run where state <> 2 and owner is not null',
  'at most one attempt of a run is unfinished':
    'select run from attempt join run on run.id = attempt.run where run.state = 2 and attempt.turn >= run.turn',
  'every attempt belongs to a claimed turn':
    'select run from attempt join run on run.id = attempt.run where attempt.turn > run.turn',
  'attempts and crashes are not negative':
    'select id from run where attempt < 0 or crashes < 0 or attempt > turn or crashes > turn',
  'no more crashes are counted than attempts crashed':
    "select id from run where crashes > (select count(*) from attempt where run = run.id and outcome = 'crashed')",
  'exactly the finished runs have an end': 'select id from run where (state >= 3) <> (finished_at is not null)',
  'a fire is one run':
    'select schedule, nominal_at from run where schedule is not null group by schedule, nominal_at having count(*) > 1',
  'a finished prerequisite is recorded in its dependents':
    `select dependency.run from dependency join run on run.id = prerequisite
    where dependency.state is null and run.state >= 3`,
  'a removed prerequisite is recorded in its dependents':
    'select run from dependency where state is null and prerequisite not in (select id from run)',
  'a blocked run has an unfinished prerequisite': `select id from run where state = 0
    and not exists (select 1 from dependency where run = run.id and dependency.state is null)`,
  'a queued run has no unfinished prerequisite': `select run.id from run join dependency on dependency.run = run.id
    where run.state = 1 and dependency.state is null`,
  'finished runs are counted':
    `select lane.id from lane where completed <> (select count(*) from run where lane = lane.id and state = 3)
    or failed <> (select count(*) from run where lane = lane.id and state = 4)
    or cancelled <> (select count(*) from run where lane = lane.id and state = 5)
    or skipped <> (select count(*) from run where lane = lane.id and state = 6)`,
  ...Object.fromEntries(
    ['payload', 'result', 'checkpoint', 'attempt', 'log', 'hold', 'used'].map(
      table => [`every ${table} has its run`, `select run from ${table} where run not in (select id from run)`]
    )
  )
}

/** The rules that the store of a stopped process breaks. */
export function broken (folder: string): string[] {
  const db = new DatabaseSync(join(folder, 'offpeak.db'))
  try {
    const whole = Object.values(db.prepare('pragma integrity_check').get()!)[0] === 'ok'
    return [...whole ? [] : ['the file is intact'], ...Object.entries(FAULTS).flatMap(([rule, sql]) =>
      db.prepare(sql).get() === undefined ? [] : [rule]
    )]
  } finally {
    db.close()
  }
}
