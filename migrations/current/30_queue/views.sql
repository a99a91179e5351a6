-- For a queue that is most of the table Postgres would read every job with its keys, in the table's order
-- or by an index without the queue; so the condition on the queue is a range of one, which a generic plan
-- estimates to be rare, so that it prefers the index that begins with the queue. With an equality a
-- caller's order by the queue would be left out, too, which that index alone has. Parsed on creation and
-- without settings of its own, so that Postgres inlines it: callers have the settings.
create or replace function wikiembed_private.todo_jobs(p_queue text)
returns table (id bigint, queue_name text, priority integer, queued_at timestamptz, scheduled_at timestamptz)
language sql stable
begin atomic
  select j.id, j.queue_name, j.priority, j.queued_at, j.scheduled_at
    from wikiembed_queue.procrastinate_jobs as j
   where j.queue_name between p_queue and p_queue and j.status = 'todo';
end;
comment on function wikiembed_private.todo_jobs(text) is
  'The jobs of a queue that wait, also those for a later time.';

-- One part per index: jobs that can begin now, jobs with a scheduled time, jobs that are doing.
create or replace function wikiembed_private.count_jobs(
  p_queue text, out todo bigint, out doing bigint, out oldest_todo_s numeric, out scheduled_later bigint
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_oldest bigint;
  v_due bigint;
  v_oldest_due bigint;
begin
  select count(*), min(j.id) into todo, v_oldest
    from wikiembed_private.todo_jobs(p_queue) as j where j.scheduled_at is null;
  select count(*) filter (where j.scheduled_at <= now()), count(*) filter (where j.scheduled_at > now())
    into v_due, scheduled_later
    from wikiembed_private.todo_jobs(p_queue) as j where j.scheduled_at is not null;
  if v_due > 0 then
    select min(j.id) into v_oldest_due
      from wikiembed_private.todo_jobs(p_queue) as j where j.scheduled_at <= now();
  end if;
  select count(*) into doing
    from wikiembed_queue.procrastinate_jobs as j
   where j.queue_name = p_queue and j.status = 'doing';
  todo := todo + v_due;
  select round(extract(epoch from clock_timestamp() - j.queued_at), 1) into oldest_todo_s
    from wikiembed_queue.procrastinate_jobs as j
   where j.id = least(v_oldest, v_oldest_due);
end;
$$;
comment on function wikiembed_private.count_jobs(text) is
  'Counts the jobs of a queue, with the age of the oldest that could begin (s); for view queue.';

-- Roles that may read the view may call its functions.
create or replace view wikiembed.queue as
select s.name as source, j.todo, j.doing, j.oldest_todo_s, j.scheduled_later
  from wikiembed.sources as s
 cross join lateral wikiembed_private.count_jobs(s.queue_name) as j;
comment on view wikiembed.queue is 'One row per source: its jobs that wait, run, or are scheduled later.';
comment on column wikiembed.queue.source is 'The source.';
comment on column wikiembed.queue.todo is 'Jobs that could begin now.';
comment on column wikiembed.queue.doing is 'Jobs that a worker is processing.';
comment on column wikiembed.queue.oldest_todo_s is 'Seconds since the oldest job that could begin was queued.';
comment on column wikiembed.queue.scheduled_later is 'Jobs that wait for a later time.';
