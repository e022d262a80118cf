import { COHORT_MIGRATION } from './cohort-migration.ts'

/** The application id of SQLite's file header: 'offp' in ASCII. */
export const APPLICATION_ID = 0x6f666670

/** One step for each version of the schema, oldest first. The version of a file is the number of its steps. */
export const MIGRATIONS: readonly string[] = [`
  -- One task in one queue at one priority: the number of its runs in each state, and the run that finished last.
  create table lane (
    id integer primary key,
    task text not null,
    queue text not null,
    priority integer not null,
    blocked integer not null default 0,
    queued integer not null default 0,
    running integer not null default 0,
    completed integer not null default 0,
    failed integer not null default 0,
    cancelled integer not null default 0,
    skipped integer not null default 0,
    last integer,
    unique (task, queue, priority)
  );

  -- Narrow on purpose: payloads, results and the like are in tables of their own, with a row only when present.
  -- state and source are indexes in STATES and SOURCES; name is task/key.
  create table run (
    id integer primary key,
    lane integer not null,
    state integer not null,
    source integer not null,
    due_at integer not null,
    nominal_at integer not null,
    max_retries integer not null,
    missed integer not null,
    created_at integer not null,
    attempt integer not null default 0,
    turn integer not null default 0,
    crashes integer not null default 0,
    started_at integer,
    finished_at integer,
    lease_until integer,
    schedule text,
    name text,
    owner text,
    cancel text,
    reason text,
    error text,
    warning text,
    progress text,
    child text
  );
  create index run_state on run (lane, state);
  create index run_source on run (lane, source);
  create index run_queued on run (lane, due_at) where state = 1;
  create unique index run_name on run (name) where name is not null;
  create index run_schedule on run (schedule) where schedule is not null;
  create index run_open on run (schedule) where schedule is not null and state <= 2;

  create table payload (run integer primary key, json text not null);
  create table result (run integer primary key, json text not null);
  create table checkpoint (run integer primary key, json text not null);

  create table attempt (
    run integer not null,
    turn integer not null,
    attempt integer not null,
    started_at integer not null,
    finished_at integer not null,
    outcome text not null,
    error text,
    reason text,
    primary key (run, turn)
  ) without rowid;

  create table log (
    run integer not null,
    seq integer not null,
    attempt integer not null,
    at integer not null,
    level integer not null,
    text text not null,
    data text,
    primary key (run, seq)
  ) without rowid;

  create table schedule (id text primary key, cursor integer not null, body text not null) without rowid;

  create table record (
    seq integer primary key autoincrement,
    at integer not null,
    who text not null,
    action text not null,
    subject text not null,
    detail text not null
  );
  create index record_action on record (action);

  create table meta (name text primary key, value integer not null) without rowid;
`, `
  alter table run add column deadline_at integer;
  alter table run add column moved text;
  create index run_deadline on run (deadline_at) where deadline_at is not null and state <= 1;

  -- Holds of single runs; ended is null while a hold is open.
  create table hold (
    run integer not null,
    seq integer not null,
    code text not null,
    message text not null,
    began integer not null,
    ended integer,
    primary key (run, seq)
  ) without rowid;
  create index hold_open on hold (run) where ended is null;

  -- Held time by task, code and UTC day since 1970.
  create table held (
    day integer not null,
    task text not null,
    code text not null,
    ms integer not null,
    runs integer not null,
    primary key (day, task, code)
  ) without rowid;

  create table fact (name text primary key, value text not null, at integer not null) without rowid;
`, `
  -- awaits: the number of prerequisites, or null.
  alter table run add column awaits integer;

  -- state: the final state of the prerequisite, or null. result: that of a removed prerequisite.
  create table dependency (
    run integer not null,
    place integer not null,
    prerequisite integer not null,
    ref text,
    condition integer not null,
    state integer,
    result text,
    primary key (run, place)
  ) without rowid;
  create index dependency_of on dependency (prerequisite);
  create index dependency_open on dependency (run) where state is null;
`, `
  -- key_until: -1 until the claim, -2 until the end, otherwise the instant; freed: the key is free.
  alter table run add column key_until integer;
  alter table run add column freed integer;
  drop index run_name;
  create unique index run_name on run (name) where name is not null and freed is null;
`, `
  -- The fingerprint of a failed run, by which equal failures are grouped.
  alter table run add column fingerprint text;
  update run set fingerprint = fingerprint_of(error, reason) where state = 4;
  create index run_dead on run (lane, fingerprint) where fingerprint is not null;
`, `
  -- Ended runs by UTC hour since 1970; wait, held and run are histograms on a log scale.
  create table hour (
    hour integer not null,
    task text not null,
    queue text not null,
    completed integer not null,
    failed integer not null,
    cancelled integer not null,
    skipped integer not null,
    retries integer not null,
    wait text,
    held text,
    run text,
    primary key (hour, task, queue)
  ) without rowid;
`, `
  -- The usage of all attempts of a run that were measured.
  create table used (
    run integer primary key,
    cpu_ms integer not null,
    memory_peak_bytes integer not null,
    read_bytes integer,
    written_bytes integer
  );
  alter table hour add column cpu_ms integer not null default 0;
`, `
  -- The number of failed runs that were out of attempts or time.
  alter table hour add column dead integer not null default 0;
`, `
  -- Counts equal failures and finds their first and last end in the index alone.
  create index run_died on run (lane, fingerprint, finished_at) where fingerprint is not null;
`, `
  -- Waiting and running runs of a lane are counted when the file is opened, so that their changes write no row.
  alter table lane drop column blocked;
  alter table lane drop column queued;
  alter table lane drop column running;
`, `
  -- Claims that are not written to the rows of their runs yet: runs is a list of ids.
  create table claim (
    seq integer primary key,
    owner text not null,
    at integer not null,
    lease_until integer not null,
    runs text not null
  );
`, `
  -- Each index makes adds, claims and ends slower. run_queued alone finds queued runs that were added by hand.
  drop index run_state;
  drop index run_source;
  create index run_lane on run (lane, state, source) where state <> 1 or source <> 2;
  drop index run_open;
  drop index run_schedule;
  create index run_schedule on run (schedule, state, lane, source) where schedule is not null;
`, `
  -- A short payload is in the row of its run, so that an added run writes one page less. Longer payloads, and those of
  -- earlier runs, are in the table payload.
  alter table run add column payload text;
`, `
  -- Covers expiring runs only: most deadlines end no run.
  alter table run add column expires integer;
  update run set expires = 1 where state <= 1 and deadline_at is not null;
  drop index run_deadline;
  create index run_deadline on run (deadline_at) where expires = 1 and state <= 1;
`, COHORT_MIGRATION, `
  -- The process that has the store open, as JSON (Holder).
  create table holder (one integer primary key check (one = 1), body text not null);
`]
