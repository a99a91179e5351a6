-- For pages that are read often: each priority is one probe of the index, and its jobs are counted
-- up to a bound, so that the time does not grow with the queue. Counting all jobs of a queue of
-- millions takes seconds. The order by the queue, and no sort, leave one index: without statistics, or
-- with old ones, Postgres would read the jobs of all queues by priority.
create or replace function wikiembed.queue_by_priority(
  p_source text, p_most integer default 10000,
  out priority integer, out jobs bigint, out oldest_s numeric
) returns setof record
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_queue text := (wikiembed_private.find_source(p_source)).queue_name;
  v_below bigint := 2147483648;
  v_queued_at timestamptz;
begin
  loop
    select j.priority, j.queued_at into priority, v_queued_at
      from wikiembed_private.todo_jobs(v_queue) as j
     where j.scheduled_at is null and j.priority < v_below
     order by j.queue_name, j.priority desc, j.id limit 1;
    exit when not found;
    v_below := priority;
    select count(*) into jobs
      from (select from wikiembed_private.todo_jobs(v_queue) as j
             where j.scheduled_at is null and j.priority = v_below
             order by j.queue_name, j.priority desc, j.id limit greatest(p_most, 1)) as counted;
    oldest_s := round(extract(epoch from clock_timestamp() - v_queued_at), 1);
    return next;
  end loop;
  priority := null;
  select count(*), round(extract(epoch from clock_timestamp() - min(c.scheduled_at)), 1) into jobs, oldest_s
    from (select j.scheduled_at from wikiembed_private.todo_jobs(v_queue) as j
           where j.scheduled_at is not null
           order by j.queue_name, j.scheduled_at limit greatest(p_most, 1)) as c;
  if jobs > 0 then
    return next;
  end if;
end;
$$;
comment on function wikiembed.queue_by_priority(text, integer) is
  'One row per priority of a source''s waiting jobs, the highest first: their number, counted up to p_most, and how long (s) the oldest has waited; priority null: jobs that wait for a time, and how long the first has been due, negative if it is not. Takes as long for millions of jobs as for few. Raises WE001.';
