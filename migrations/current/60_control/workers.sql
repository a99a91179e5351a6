create or replace function wikiembed.register_worker(
  p_worker_id bigint, p_process_id uuid, p_host text, p_pid integer, p_version text, p_model text,
  p_started_at timestamptz,
  p_node text default null, p_actor text default null
) returns boolean
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  with registered as (
    insert into wikiembed.worker_processes as p
           (worker_id, process_id, host, pid, version, model, started_at, node, actor)
    select w.id, p_process_id, left(p_host, 255), p_pid, left(p_version, 100), left(p_model, 500), p_started_at,
           left(p_node, 255), left(p_actor, 255)
      from wikiembed_queue.procrastinate_workers as w where w.id = p_worker_id
        on conflict (worker_id) do update
       set process_id = excluded.process_id, host = excluded.host, pid = excluded.pid,
           version = excluded.version, model = excluded.model, started_at = excluded.started_at,
           node = excluded.node, actor = excluded.actor
    returning p.worker_id
  )
  select exists (select from registered);
$$;
comment on function wikiembed.register_worker(bigint, uuid, text, integer, text, text, timestamptz, text, text) is
  'Records the process of a registration of procrastinate''s; false when no such registration exists. Called by each worker at its start and after each reconnect.';

create or replace function wikiembed.report_requests(p_worker_id bigint, p_requests jsonb) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  update wikiembed.worker_processes as p
     set requests = p_requests, requests_at = clock_timestamp()
   where p.worker_id = p_worker_id;
$$;
comment on function wikiembed.report_requests(bigint, jsonb) is
  'Records what a worker process has in flight; see workers.requests. Called with a heartbeat, when it has changed.';

-- A registration that no process claimed (a worker that is not run by wikiembed's app) is a process
-- by itself. The ids of one process are its slots, and those of before it lost Postgres.
create or replace view wikiembed.workers as
with registered as (
  select w.id, w.last_heartbeat, p.host, p.pid, p.version, p.model, p.started_at,
         p.requests, p.requests_at, p.node, p.actor,
         coalesce(p.process_id::text, w.id::text) as process,
         (select count(*) from wikiembed_queue.procrastinate_jobs as j
           where j.worker_id = w.id and j.status = 'doing') as doing
    from wikiembed_queue.procrastinate_workers as w
    left join wikiembed.worker_processes as p on p.worker_id = w.id
)
select max(r.id) as worker_id, max(r.last_heartbeat) as last_heartbeat,
       round(extract(epoch from clock_timestamp() - max(r.last_heartbeat)), 1) as heartbeat_age_s,
       max(r.last_heartbeat) > clock_timestamp() - interval '30 seconds' as alive,
       sum(r.doing)::bigint as doing,
       array_agg(r.id order by r.id) as worker_ids,
       max(r.host) as host, max(r.pid) as pid, max(r.version) as version, max(r.model) as model,
       max(r.started_at) as started_at,
       coalesce((array_agg(r.requests order by r.requests_at desc nulls last))[1], '[]') as requests,
       max(r.node) as node, max(r.actor) as actor
  from registered as r
 group by r.process;

comment on view wikiembed.workers is 'One row per worker process and its heartbeat.';
comment on column wikiembed.workers.worker_id is
  'procrastinate''s number of its latest registration; a process has several, see worker_ids.';
comment on column wikiembed.workers.last_heartbeat is 'Its latest heartbeat (each 10 s).';
comment on column wikiembed.workers.heartbeat_age_s is 'Seconds since then.';
comment on column wikiembed.workers.alive is 'True when that is less than 30 s ago.';
comment on column wikiembed.workers.doing is 'Jobs that it is processing, of all its registrations.';
comment on column wikiembed.workers.worker_ids is
  'procrastinate''s numbers of its registrations: one per slot (embed, upkeep), and those of before a loss of Postgres.';
comment on column wikiembed.workers.host is 'Name of its machine or container; null when the process did not register it.';
comment on column wikiembed.workers.pid is 'Its process number there; null when the process did not register it.';
comment on column wikiembed.workers.version is 'Its version of wikiembed; null when the process did not register it.';
comment on column wikiembed.workers.model is
  'Embedder and model of its settings; a source that has its own uses that. Null when the process did not register it.';
comment on column wikiembed.workers.started_at is 'When it started, by its own clock; null when the process did not register it.';
comment on column wikiembed.workers.requests is
  'Of each server and model that it has sent to: server, model, in_flight (requests), limit (of them), throttled (answers 429 since it started), out (why the server is left out; null: it is not), waiting (requests that wait for the server''s limit); at its latest heartbeat.';
comment on column wikiembed.workers.node is
  'Ray''s id of the node that it runs on, as an actor of `wikiembed fleet`; null for any other worker.';
comment on column wikiembed.workers.actor is 'Ray''s id of the actor that it is; null for any other worker.';
