import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What may not be found in the rows of a store at rest, by the name of the rule that it breaks. Each answers the rows
 *  that do. */
const FAULTS: Record<string, string> = {
  'a run that runs has an owner': 'select id from run where state = 2 and owner is null',
  'a run that waits or is over has none': 'select id from run where state <> 2 and owner is not null',
  'one attempt of a run at most has no end':
    'select run from attempt join run on run.id = attempt.run where run.state = 2 and attempt.turn >= run.turn',
  'no attempt is of a turn that was not taken':
    'select run from attempt join run on run.id = attempt.run where attempt.turn > run.turn',
  'attempts and crashes are never below nothing':
    'select id from run where attempt < 0 or crashes < 0 or attempt > turn or crashes > turn',
  'no more crashes are counted than attempts ended so':
    "select id from run where crashes > (select count(*) from attempt where run = run.id and outcome = 'crashed')",
  'a run that is over has an end, and no other has':
    'select id from run where (state >= 3) <> (finished_at is not null)',
  'a fire is one run':
    'select schedule, nominal_at from run where schedule is not null group by schedule, nominal_at having count(*) > 1',
  'a prerequisite that is over was told':
    'select dependency.run from dependency join run on run.id = prerequisite where dependency.state is null and run.state >= 3',
  'a prerequisite that is gone was told':
    'select run from dependency where state is null and prerequisite not in (select id from run)',
  'a run that waits for others has one that is not over':
    'select id from run where state = 0 and not exists (select 1 from dependency where run = run.id and dependency.state is null)',
  'a run that waits for its turn waits for no other':
    'select run.id from run join dependency on dependency.run = run.id where run.state = 1 and dependency.state is null',
  'what is over is counted':
    `select lane.id from lane where completed <> (select count(*) from run where lane = lane.id and state = 3)
    or failed <> (select count(*) from run where lane = lane.id and state = 4) or cancelled <> (select count(*) from run where lane = lane.id and state = 5)
    or skipped <> (select count(*) from run where lane = lane.id and state = 6)`,
  ...Object.fromEntries(
    ['payload', 'result', 'checkpoint', 'attempt', 'log', 'hold', 'used'].map(
      table => [`no ${table} is without its run`, `select run from ${table} where run not in (select id from run)`]
    )
  )
}

/** The rules that the store in a folder breaks, whose process is no more or has stopped. */
export function broken (folder: string): string[] {
  const db = new DatabaseSync(join(folder, 'offpeak.db'))
  try {
    const whole = Object.values(db.prepare('pragma integrity_check').get()!)[0] === 'ok'
    return [...whole ? [] : ['the file is whole'], ...Object.entries(FAULTS).flatMap(([rule, sql]) =>
      db.prepare(sql).get() === undefined ? [] : [rule]
    )]
  } finally {
    db.close()
  }
}
