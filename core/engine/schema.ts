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
`]
