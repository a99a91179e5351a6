-- A job deferred by hand may have any arguments: a value that is not an array has no key.
create or replace function wikiembed_private.keys_of(p_args jsonb) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select array(
    select k.key
      from jsonb_array_elements_text(
             case jsonb_typeof(p_args -> 'keys') when 'array' then p_args -> 'keys' else '[]' end) as k (key)
     where k.key is not null);
$$;
comment on function wikiembed_private.keys_of(jsonb) is
  'The keys in a job''s arguments; none where they are malformed.';

-- Jobs that embed name chunks, those that split documents name documents.
create or replace function wikiembed_private.keys_of_job(p_job wikiembed_queue.procrastinate_jobs) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.keys_of(
    case p_job.task_name when 'wikiembed.split' then jsonb_build_object('keys', p_job.args -> 'documents') else p_job.args end);
$$;
comment on function wikiembed_private.keys_of_job(wikiembed_queue.procrastinate_jobs) is
  'The keys of a job''s chunks or documents; none where its arguments are malformed.';

create or replace function wikiembed_private.split_job(p_job wikiembed_queue.procrastinate_jobs) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text[] := wikiembed_private.keys_of_job(p_job);
  v_name text := case p_job.task_name when 'wikiembed.split' then 'documents' else 'keys' end;
  v_half integer := cardinality(v_keys) / 2;
begin
  perform wikiembed_queue.procrastinate_defer_jobs_v1(array(
    select row(
             p_job.queue_name, p_job.task_name, p_job.priority, null, null,
             p_job.args || jsonb_build_object(v_name, to_jsonb(h.keys), 'rescues', 2), null
           )::wikiembed_queue.procrastinate_job_to_defer_v1
      from (values (1, v_keys[:v_half]), (2, v_keys[v_half + 1:])) as h (n, keys)
     order by h.n));
  delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
end;
$$;
comment on function wikiembed_private.split_job(wikiembed_queue.procrastinate_jobs) is
  'Replaces a job by two with half of its keys each; the next rescue splits those at once.';

-- A key that is not of the source's type identifies no chunk: a job deferred by hand may have one. Nor does any
-- where a table was dropped.
create or replace function wikiembed_private.lose_job(p_job wikiembed_queue.procrastinate_jobs) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source text := p_job.args ->> 'source';
  v_keys text[] := wikiembed_private.keys_of_job(p_job);
  v_versions bigint[];
begin
  delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
  if p_job.task_name = 'wikiembed.split' then
    if exists (select from wikiembed.document_sources as d where d.source = v_source) then
      perform wikiembed.record_document_failure(
        v_source, r.key, r.version, 'worker_lost', 'Each worker that took this document ended without a word.', p_job.id)
         from wikiembed.read_documents(v_source, v_keys) as r;
      perform wikiembed.requeue_documents(v_source, array(
        select k from unnest(v_keys) as k
         where not exists (select from wikiembed.document_failures as f where f.source = v_source and f.key = k)), 0);
    end if;
  elsif exists (select from wikiembed.sources as s where s.name = v_source) and cardinality(v_keys) > 0 then
    v_versions := array(select r.version from wikiembed.read_chunks(v_source, v_keys) as r);
    if cardinality(v_versions) > 0 then
      perform wikiembed.record_failures(
        v_source, v_keys, v_versions, 'worker_lost',
        'Each worker that took this chunk ended without a word.', p_attempts => 3, p_job_id => p_job.id);
    end if;
  end if;
exception when invalid_text_representation or numeric_value_out_of_range
  or sqlstate 'WE001' or undefined_table or undefined_column then
  delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
end;
$$;
comment on function wikiembed_private.lose_job(wikiembed_queue.procrastinate_jobs) is
  'Ends a job of one chunk or document with which three workers died: it is recorded as worker_lost.';

create or replace function wikiembed_private.rescue_upkeep(p_job wikiembed_queue.procrastinate_jobs) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from wikiembed_queue.procrastinate_jobs as j
              where j.queueing_lock = p_job.queueing_lock and j.status = 'todo') then
    delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
  else
    update wikiembed_queue.procrastinate_jobs as j
       set status = 'todo', attempts = j.attempts + 1, scheduled_at = null, worker_id = null,
           abort_requested = false
     where j.id = p_job.id;
    perform wikiembed_private.notify_workers(p_job.queue_name);
  end if;
end;
$$;
comment on function wikiembed_private.rescue_upkeep(wikiembed_queue.procrastinate_jobs) is
  'Requeues an upkeep job, or drops it when its next one waits already.';

-- A worker that died leaves its job `doing`; so does one whose finish failed. The third rescue
-- splits the job, since one of its chunks or documents may kill the workers; one alone is blamed.
create or replace function wikiembed.rescue_jobs(
  p_heartbeat_s double precision default 30, p_hard_limit_s double precision default 1800
) returns table (rescued bigint, split bigint, lost bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job wikiembed_queue.procrastinate_jobs;
  v_rescues integer;
begin
  rescued := 0; split := 0; lost := 0;
  for v_job in
    select j.* from wikiembed_queue.procrastinate_jobs as j
     where j.status = 'doing'
       and (not exists (
              select from wikiembed_queue.procrastinate_workers as w
               where w.id = j.worker_id
                 and w.last_heartbeat > clock_timestamp() - make_interval(secs => p_heartbeat_s))
            or j.started_at < clock_timestamp() - make_interval(secs => p_hard_limit_s))
     order by j.id
       for update of j skip locked
  loop
    v_rescues := 1 + coalesce(
      case jsonb_typeof(v_job.args -> 'rescues')
        when 'number' then greatest(0, least(2, (v_job.args ->> 'rescues')::numeric))::integer end, 0);
    if v_job.task_name not in ('wikiembed.embed', 'wikiembed.split') then
      perform wikiembed_private.rescue_upkeep(v_job);
      rescued := rescued + 1;
    elsif v_rescues < 3 then
      update wikiembed_queue.procrastinate_jobs as j
         set status = 'todo', attempts = j.attempts + 1, scheduled_at = null, worker_id = null,
             abort_requested = false,
             args = j.args || jsonb_build_object('rescues', v_rescues)
       where j.id = v_job.id;
      perform wikiembed_private.notify_workers(v_job.queue_name);
      rescued := rescued + 1;
    elsif cardinality(wikiembed_private.keys_of_job(v_job)) > 1 then
      perform wikiembed_private.split_job(v_job);
      split := split + 1;
    else
      perform wikiembed_private.lose_job(v_job);
      lost := lost + 1;
    end if;
  end loop;
  return next;
end;
$$;
comment on function wikiembed.rescue_jobs(double precision, double precision) is
  'Requeues the jobs of workers without a heartbeat and jobs that run too long (s); splits a job at its third rescue; returns the number of each.';

-- The jobs that a worker should be processing. A fetch whose result was lost with its connection leaves a
-- job `doing` under a live worker: the worker finds it by comparing, and releases it.
create or replace function wikiembed.jobs_of_worker(p_worker_id bigint) returns bigint[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select array(
    select j.id from wikiembed_queue.procrastinate_jobs as j
     where j.worker_id = p_worker_id and j.status = 'doing' order by j.id);
$$;
comment on function wikiembed.jobs_of_worker(bigint) is
  'Ids of a worker''s jobs in state doing.';

-- One that failed three times holds up no drain. Each arm has an index.
create or replace function wikiembed.reconciles_left(p_source text default null) returns bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select count(*)
    from (
      select a.task_name, a.args, a.attempts from wikiembed_queue.procrastinate_jobs as a
       where a.queue_name = 'wikiembed_upkeep' and a.status = 'todo' and a.scheduled_at is null
       union all
      select b.task_name, b.args, b.attempts from wikiembed_queue.procrastinate_jobs as b
       where b.queue_name = 'wikiembed_upkeep' and b.status = 'todo' and b.scheduled_at is not null
       union all
      select c.task_name, c.args, c.attempts from wikiembed_queue.procrastinate_jobs as c
       where c.queue_name = 'wikiembed_upkeep' and c.status = 'doing'
    ) as j
   where j.task_name = 'wikiembed.reconcile' and j.attempts < 3
     and case when p_source is null then j.args ->> 'source' is not null else j.args ->> 'source' = p_source end;
$$;
comment on function wikiembed.reconciles_left(text) is
  'Number of reconciles of a source (null: of any) that a trigger queued and that wait or run: each may queue more jobs.';

create or replace function wikiembed.release_jobs(p_worker_id bigint, p_job_ids bigint[]) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job wikiembed_queue.procrastinate_jobs;
  v_released bigint := 0;
begin
  for v_job in
    select j.* from wikiembed_queue.procrastinate_jobs as j
     where j.worker_id = p_worker_id and j.status = 'doing' and j.id = any (p_job_ids)
     order by j.id for update of j skip locked
  loop
    if v_job.task_name in ('wikiembed.embed', 'wikiembed.split') then
      update wikiembed_queue.procrastinate_jobs as j
         set status = 'todo', scheduled_at = null, worker_id = null, abort_requested = false
       where j.id = v_job.id;
      perform wikiembed_private.notify_workers(v_job.queue_name);
    else
      perform wikiembed_private.rescue_upkeep(v_job);
    end if;
    v_released := v_released + 1;
  end loop;
  return v_released;
end;
$$;
comment on function wikiembed.release_jobs(bigint, bigint[]) is
  'Requeues a worker''s jobs in state doing; returns the number.';
