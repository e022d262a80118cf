/** The migration that adds cohorts, owners and versions. */
export const COHORT_MIGRATION = `
  -- Claims that were not written to the rows of their runs.
  update run set state = 2, attempt = 1, turn = 1,
    owner = (select claim.owner from claim, json_each(claim.runs) as claimed where claimed.value = run.id),
    started_at = (select claim.at from claim, json_each(claim.runs) as claimed where claimed.value = run.id)
  where state = 1 and turn = 0 and id in (select claimed.value from claim, json_each(claim.runs) as claimed);
  drop table claim;

  -- The ends of the leases of owners; those of an earlier process have expired.
  create table owner (name text primary key, lease_until integer not null) without rowid;

  -- The rate buckets of queues.
  create table rate (queue text primary key, tokens real not null, at integer not null) without rowid;
  insert into rate
    select substr(name, 8), json_extract(value, '$.tokens'), json_extract(value, '$.at') from fact
    where name like 'bucket/%' and json_type(value, '$.tokens') in ('integer', 'real')
      and json_type(value, '$.at') = 'integer';
  delete from fact where name like 'bucket/%';

  -- version rises with each change of the table; a value or body of JSON null marks a removed row.
  alter table fact add column version integer not null default 1;
  alter table schedule add column version integer not null default 1;
  alter table schedule add column at integer not null default 0;

  -- single: not part of a cohort, like all runs from before this migration. preempted: the number of yields.
  alter table run add column now integer not null default 0;
  alter table run add column single integer not null default 1;
  alter table run add column preempted integer not null default 0;
  create index run_single on run (due_at) where state = 1 and single = 1;

  -- A lane is a cohort: span is from due to deadline in ms, -1 without a deadline, -2 for single runs, whether a
  -- schedule added them or not.
  create table cohort (
    id integer primary key,
    task text not null,
    queue text not null,
    priority integer not null,
    span integer not null,
    scheduled integer not null,
    completed integer not null default 0,
    failed integer not null default 0,
    cancelled integer not null default 0,
    skipped integer not null default 0,
    last integer,
    unique (task, queue, priority, span, scheduled)
  );
  insert into cohort (id, task, queue, priority, span, scheduled, completed, failed, cancelled, skipped, last)
    select id, task, queue, priority, -2, 0, completed, failed, cancelled, skipped, last from lane;
  drop table lane;
  alter table cohort rename to lane;

  -- The waiting runs with the most frequent span of their lane join its cohort.
  insert into lane (task, queue, priority, span, scheduled)
    select task, queue, priority, span, scheduled from (
      select lane.task, lane.queue, lane.priority, waits.span, waits.scheduled,
        row_number() over (partition by lane.id, waits.scheduled order by count(*) desc, waits.span) as place
      from (
        select lane, coalesce(deadline_at - due_at, -1) as span, source = 0 as scheduled from run
        where state in (0, 1) and turn = 0 and source <> 1 and created_at <= due_at
          and (deadline_at is null or deadline_at >= due_at)
      ) as waits join lane on lane.id = waits.lane
      group by lane.id, waits.span, waits.scheduled
    ) where place = 1;
  create temp table coming as
    select run.id as run, into_lane.id as lane from run
    join lane as from_lane on from_lane.id = run.lane
    join lane as into_lane on into_lane.task = from_lane.task and into_lane.queue = from_lane.queue
      and into_lane.priority = from_lane.priority
      and into_lane.span = coalesce(run.deadline_at - run.due_at, -1) and into_lane.scheduled = (run.source = 0)
    where run.state in (0, 1) and run.turn = 0 and run.source <> 1 and run.created_at <= run.due_at
      and (run.deadline_at is null or run.deadline_at >= run.due_at);
  create unique index temp.coming_run on coming (run);
  update run set single = 0, lane = (select coming.lane from coming where coming.run = run.id)
  where id in (select run from coming);

  -- Holds of the runs of a lane that are due in [due_from, due_until]: code, owner, begin and end.
  create table lane_hold (
    id integer primary key,
    lane integer not null,
    owner text not null,
    due_from integer not null,
    due_until integer not null,
    code text not null,
    message text not null,
    began integer not null,
    ended integer
  );
  create index lane_hold_of on lane_hold (lane, ended);

  -- counted: the wait has ended and is summed. Entries that were closed before are summed already.
  alter table hold add column owner text not null default '';
  alter table hold add column counted integer not null default 0;
  update hold set counted = 1 where ended is not null or run not in (select id from run where state = 1);
  update hold set ended = max(began, cast(unixepoch('subsec') * 1000 as integer))
  where ended is null and run in (select run from coming);
  drop index hold_open;
  create index hold_wait on hold (run) where counted = 0;
  drop table coming;
`
