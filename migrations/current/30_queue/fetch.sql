-- A paused job at the head of the queue would stop a worker of all queues: the fetch leaves
-- paused queues out. An empty array means none; null means all.
create or replace function wikiembed_private.runnable_queues(
  p_queues character varying[], p_upkeep boolean default true
) returns character varying[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_queues is not null then array(
      select q from unnest(p_queues) as q
       where not exists (select from wikiembed.sources as s
                          where s.queue_name = q and wikiembed_private.is_paused(s.paused_at, s.resume_at)))
    when p_upkeep and not exists (
      select from wikiembed.sources as s where wikiembed_private.is_paused(s.paused_at, s.resume_at)) then null
    else array(
      select s.queue_name::varchar from wikiembed.sources as s
       where not wikiembed_private.is_paused(s.paused_at, s.resume_at)
      union all
      select q::varchar from unnest(array['wikiembed_upkeep', 'builtin', 'default']) as q where p_upkeep)
  end;
$$;
comment on function wikiembed_private.runnable_queues(character varying[], boolean) is
  'The queues that a worker may fetch from now: those given, or all, without the paused ones.';

-- One index probe per queue, however many jobs wait in each, with the settings of fetch_jobs.
create or replace function wikiembed_private.waiting_queues() returns character varying[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    with recursive q as (
      select least(
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is null
          order by j.queue_name limit 1),
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is not null
          order by j.queue_name limit 1)) as name
      union all
      select least(
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is null and j.queue_name > q.name
          order by j.queue_name limit 1),
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is not null and j.queue_name > q.name
          order by j.queue_name limit 1))
        from q where q.name is not null
    )
    select q.name from q where q.name is not null);
end;
$$;
comment on function wikiembed_private.waiting_queues() is
  'The queues in which a job waits, by name.';

-- As procrastinate_fetch_job_v2, for several jobs and for each queue by itself. First it reads
-- candidates, then it locks as many rows as it takes, and skips those that others have locked. If
-- all candidates are locked, it reads more and tries one after the other, for a few rounds: it must
-- not return none while jobs wait.
--
-- Each queue is read from its own head, so that the jobs of others, of a paused source too, cost
-- nothing. Jobs that are scheduled later are in another index than those that could begin at once;
-- of more than 256 that are due, those that waited longest are read. The range of one name
-- requires an order that only jobs_by_queue has: the index of all queues would be read through
-- all earlier entries. The cast of the status keeps indexes of waiting jobs out of plans that
-- look up ids. One generic plan is kept: a new one for each call took 0.3 ms.
--
-- The update itself checks once more that no job is of a paused source, and sets when a job begins: the pause gate,
-- which does so for other clients and for jobs that were scheduled, costs three times as much per job.
--
-- The commit is not waited for: a crash of Postgres that loses it ends the worker's connection, too, and the
-- job waits again; whatever its batch has stored is durable only after it, since the log is written in order.
create or replace function wikiembed_private.fetch_jobs(
  p_queues character varying[], p_upkeep boolean, p_worker_id bigint,
  p_most_jobs integer default 1, p_most_chunks integer default null
) returns setof wikiembed_queue.procrastinate_jobs
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
  v_most integer := greatest(1, coalesce(p_most_jobs, 1));
  v_names character varying[] := p_queues;
  v_look integer := v_most;
  v_seen bigint[];
  v_chunks integer[];
  v_held bigint[];
  v_one bigint;
  v_sum bigint;
begin
  perform set_config('synchronous_commit', 'off', true);
  if p_queues is null and p_upkeep then
    v_names := wikiembed_private.waiting_queues();
  elsif p_queues is null then
    v_names := array(select s.queue_name from wikiembed.sources as s);
  end if;
  for v_round in 0..4 loop
    select array_agg(f.id), array_agg(
             case jsonb_typeof(f.args -> 'keys') when 'array' then jsonb_array_length(f.args -> 'keys') else 1 end)
      into v_seen, v_chunks
      from (
        select h.id, h.args
          from (
            select distinct n.name, case when exists (
                     select from wikiembed.sources as s
                      where s.queue_name = n.name and wikiembed_private.is_bulk_closed(s.bulk_opens_at, s.bulk_closes_at))
                   then 5 else -2147483648 end as least_priority
              from unnest(v_names) as n (name)
             where not exists (
               select from wikiembed.sources as s
                where s.queue_name = n.name and wikiembed_private.is_paused(s.paused_at, s.resume_at))
          ) as q
         cross join lateral (
           (select j.id, j.priority, j.args
              from wikiembed_queue.procrastinate_jobs as j
             where j.status = 'todo' and j.scheduled_at is null
               and j.queue_name >= q.name and j.queue_name <= q.name and j.priority >= q.least_priority
               and (j.lock is null or not exists (
                 select from wikiembed_queue.procrastinate_jobs as o
                  where o.lock = j.lock
                    and (o.status = 'doing' or (o.status = 'todo' and (
                      o.priority > j.priority or (o.priority = j.priority and o.id < j.id))))))
             order by j.queue_name, j.priority desc, j.id
             limit v_look)
           union all
           (select j.id, j.priority, j.args
              from wikiembed_queue.procrastinate_jobs as j
             where j.status = 'todo' and j.scheduled_at is not null and j.scheduled_at <= now()
               and j.queue_name >= q.name and j.queue_name <= q.name and j.priority >= q.least_priority
               and (j.lock is null or not exists (
                 select from wikiembed_queue.procrastinate_jobs as o
                  where o.lock = j.lock
                    and (o.status = 'doing' or (o.status = 'todo' and (
                      o.priority > j.priority or (o.priority = j.priority and o.id < j.id))))))
             order by j.queue_name, j.scheduled_at
             limit greatest(v_look, 256))
         ) as h
         order by h.priority desc, h.id
         limit v_look
      ) as f;
    if v_seen is null then
      return;
    end if;
    v_sum := 0;
    if v_round = 0 then
      for v_n in 1..cardinality(v_seen) loop
        v_sum := v_sum + v_chunks[v_n];
        if v_n > 1 and v_sum > p_most_chunks then
          v_seen := v_seen[:v_n - 1];
          exit;
        end if;
      end loop;
      v_held := array(
        select j.id from wikiembed_queue.procrastinate_jobs as j
         where j.id = any (v_seen) and j.status::text = 'todo'
           and (j.scheduled_at is null or j.scheduled_at <= now())
           for update skip locked);
    else
      v_held := '{}';
      for v_n in 1..cardinality(v_seen) loop
        exit when cardinality(v_held) = v_most
          or (cardinality(v_held) > 0 and v_sum + v_chunks[v_n] > p_most_chunks);
        select j.id into v_one from wikiembed_queue.procrastinate_jobs as j
         where j.id = v_seen[v_n] and j.status::text = 'todo'
           and (j.scheduled_at is null or j.scheduled_at <= now())
           for update skip locked;
        if found then
          v_held := v_held || v_one;
          v_sum := v_sum + v_chunks[v_n];
        end if;
      end loop;
    end if;
    if cardinality(v_held) > 0 then
      return query
        with taken as (
          update wikiembed_queue.procrastinate_jobs as j
             set status = 'doing', worker_id = p_worker_id,
                 started_at = case when j.scheduled_at is null then clock_timestamp() else j.started_at end
           where j.id = any (v_held)
             and not exists (
               select from wikiembed.sources as s
                where s.queue_name = j.queue_name
                  and not wikiembed_private.may_begin(
                        j.priority, s.paused_at, s.resume_at, s.bulk_opens_at, s.bulk_closes_at))
          returning j.*
        )
        select t.* from taken as t order by t.priority desc, t.id;
      if found then
        return;
      end if;
    end if;
    v_look := 32 * (v_most + 1) * (v_round + 1);
  end loop;
end;
$$;
comment on function wikiembed_private.fetch_jobs(character varying[], boolean, bigint, integer, integer) is
  'Fetches up to a number of jobs in order, from the given queues (null: all) without the paused ones and without bulk work outside of its windows, with up to a number of chunks together, but at least one job.';

-- As procrastinate_finish_job_v1 ends a job that succeeded and is to be deleted, for several. They
-- are locked in order first, so that two calls do not end in a deadlock. The commit is not waited for: a job that
-- is there again after a crash finds nothing to embed.
create or replace function wikiembed_private.finish_jobs(p_job_ids bigint[]) returns bigint[]
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  v_ids bigint[];
begin
  perform set_config('synchronous_commit', 'off', true);
  v_ids := array(
    select j.id from wikiembed_queue.procrastinate_jobs as j
     where j.id = any (p_job_ids) and j.status in ('todo', 'doing')
     order by j.id
       for update);
  with gone as (
    delete from wikiembed_queue.procrastinate_jobs as j where j.id = any (v_ids) returning j.id
  )
  select coalesce(array_agg(g.id order by g.id), '{}') into v_ids from gone as g;
  return v_ids;
end;
$$;
comment on function wikiembed_private.finish_jobs(bigint[]) is
  'Deletes those of these jobs that are todo or doing; returns their ids.';
