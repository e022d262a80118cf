import { COHORT_MIGRATION } from './cohort-migration.ts'

/** Says that a file is ours: 'offp' in ASCII, in the header where SQLite keeps it. */
export const APPLICATION_ID = 0x6f666670

/** One step for each version of the schema, oldest first; the version of a file is the number of steps it has taken. */
export const MIGRATIONS: readonly string[] = [`
  -- One task in one queue at one priority, with how many runs it has in each state and which one finished last.
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

  -- Narrow on purpose: what a run carries lies in the tables below, and only where there is something to carry.
  -- state and source are places in STATES and SOURCES; name is task/key.
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

  -- Why a run was held, and from when to when; ended is null while it still is.
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

  -- Time held by task and code, for each day of UTC since 1970.
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
  -- awaits: how many prerequisites it has; null is none.
  alter table run add column awaits integer;

  -- state: what the prerequisite came to, null until then. result: kept here once the prerequisite is removed.
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
  -- key_until: -1 until it is claimed, -2 until it is over, else the instant; freed: its key is its own no longer.
  alter table run add column key_until integer;
  alter table run add column freed integer;
  drop index run_name;
  create unique index run_name on run (name) where name is not null and freed is null;
`, `
  -- What a failed run failed of, so that failures that are alike are found together.
  alter table run add column fingerprint text;
  update run set fingerprint = fingerprint_of(error, reason) where state = 4;
  create index run_dead on run (lane, fingerprint) where fingerprint is not null;
`, `
  -- What ended in each hour of UTC since 1970; wait, held and run are durations on a log scale, see Durations.
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
  -- What the attempts of a run have taken together, of those that were executed where it can be told.
  create table used (
    run integer primary key,
    cpu_ms integer not null,
    memory_peak_bytes integer not null,
    read_bytes integer,
    written_bytes integer
  );
  alter table hour add column cpu_ms integer not null default 0;
`, `
  -- Of those that failed, how many had spent their attempts or their time.
  alter table hour add column dead integer not null default 0;
`, `
  -- So that failures that are alike are counted, and their first and last end told, from the index alone.
  create index run_died on run (lane, fingerprint, finished_at) where fingerprint is not null;
`, `
  -- How many runs of a lane wait or run is counted when the file is opened: a row of its own need not be written
  -- whenever that changes.
  alter table lane drop column blocked;
  alter table lane drop column queued;
  alter table lane drop column running;
`, `
  -- Claims whose runs do not say so in their rows yet: runs is a list of their ids. See Ledger.
  create table claim (
    seq integer primary key,
    owner text not null,
    at integer not null,
    lease_until integer not null,
    runs text not null
  );
`, `
  -- Every index costs each run that is added, claimed and ended. Of one that is queued by hand run_queued tells where
  -- it is, and no other.
  drop index run_state;
  drop index run_source;
  create index run_lane on run (lane, state, source) where state <> 1 or source <> 2;
  drop index run_open;
  drop index run_schedule;
  create index run_schedule on run (schedule, state, lane, source) where schedule is not null;
`, `
  -- A short payload lies in the row of its run: one page less is written for each that is added. Longer ones, and those
  -- of earlier runs, lie in payload.
  alter table run add column payload text;
`, `
  -- Most deadlines end nothing: only runs that expire are found by theirs.
  alter table run add column expires integer;
  update run set expires = 1 where state <= 1 and deadline_at is not null;
  drop index run_deadline;
  create index run_deadline on run (deadline_at) where expires = 1 and state <= 1;
`, COHORT_MIGRATION, `
  -- Which process has the store, as JSON: see Holder.
  create table holder (one integer primary key check (one = 1), body text not null);
`]
