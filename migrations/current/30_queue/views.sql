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

-- Up to 1,000 jobs that can begin are counted, so that a short queue, whose end a drain waits for, is counted in
-- the table itself; more are known from the sums that triggers keep (counts.sql), since counting millions takes
-- seconds. One statement's snapshot shows both alike. The oldest is the first of a priority, of which there are few:
-- one probe of the index each. The order by the queue leaves one index, as in queue_by_priority.
create or replace function wikiembed_private.count_jobs(
  p_queue text, out todo bigint, out doing bigint, out oldest_todo_s numeric, out scheduled_later bigint
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_below bigint := 2147483648;
  v_first bigint;
  v_oldest bigint;
  v_due bigint;
  v_oldest_due bigint;
begin
  loop
    select j.priority, j.id into v_below, v_first
      from wikiembed_private.todo_jobs(p_queue) as j
     where j.scheduled_at is null and j.priority < v_below
     order by j.queue_name, j.priority desc, j.id limit 1;
    exit when not found;
    v_oldest := least(v_oldest, v_first);
  end loop;
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
  select count(*) into todo
    from (select from wikiembed_private.todo_jobs(p_queue) as j
           where j.scheduled_at is null
           order by j.queue_name, j.priority desc, j.id limit 1001) as j;
  if todo > 1000 then
    select greatest(todo, coalesce(sum(l.jobs), 0) - doing) into todo
      from wikiembed_private.queue_ledger as l where l.queue_name = p_queue;
  end if;
  todo := todo + v_due;
  select round(extract(epoch from clock_timestamp() - j.queued_at), 1) into oldest_todo_s
    from wikiembed_queue.procrastinate_jobs as j
   where j.id = least(v_oldest, v_oldest_due);
end;
$$;
comment on function wikiembed_private.count_jobs(text) is
  'The number of jobs of a queue, with the age of the oldest that could begin (s); for view queue.';

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
