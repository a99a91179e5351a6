create function wikiembed.register_worker(
  p_worker_id bigint, p_process_id uuid, p_host text, p_pid integer, p_version text, p_model text,
  p_started_at timestamptz
) returns boolean
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  with registered as (
    insert into wikiembed.worker_processes as p
           (worker_id, process_id, host, pid, version, model, started_at)
    select w.id, p_process_id, left(p_host, 255), p_pid, left(p_version, 100), left(p_model, 500), p_started_at
      from wikiembed_queue.procrastinate_workers as w where w.id = p_worker_id
        on conflict (worker_id) do update
       set process_id = excluded.process_id, host = excluded.host, pid = excluded.pid,
           version = excluded.version, model = excluded.model, started_at = excluded.started_at
    returning p.worker_id
  )
  select exists (select from registered);
$$;
comment on function wikiembed.register_worker(bigint, uuid, text, integer, text, text, timestamptz) is
  'Says which process a registration of procrastinate''s belongs to; false when there is no such registration. Called by each worker at its start and after each reconnect.';
