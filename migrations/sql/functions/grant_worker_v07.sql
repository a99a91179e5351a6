create function wikiembed.grant_worker(p_role name) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function text;
begin
  execute format('grant usage on schema wikiembed, wikiembed_private, wikiembed_queue to %I', p_role);
  execute format('grant select, insert, update, delete on all tables in schema wikiembed_queue to %I', p_role);
  execute format('grant usage, select on all sequences in schema wikiembed_queue to %I', p_role);
  execute format('grant execute on all functions in schema wikiembed_queue to %I', p_role);
  execute format('grant select on wikiembed.sources, wikiembed.coverage, wikiembed.queue, wikiembed.workers,'
    ' wikiembed.throughput, wikiembed.outages, wikiembed.truncation,'
    ' wikiembed.truncation_checks, wikiembed.alembic_version to %I', p_role);
  for v_function in
    select p.oid::regprocedure::text from pg_proc as p
     where (p.pronamespace = 'wikiembed'::regnamespace
            and p.proname in ('read_chunks', 'write_embeddings', 'record_failures', 'pin_model', 'pause',
                              'is_ready', 'rescue_jobs', 'jobs_of_worker', 'release_jobs', 'fold_ledger', 'expire_pauses', 'reconcile',
                              'report_outage', 'end_outage', 'register_worker', 'write_truncated',
                              'find_truncation_check', 'record_truncation_check'))
        or (p.pronamespace = 'wikiembed_private'::regnamespace and p.proname in ('runnable_queues', 'fetch_jobs', 'finish_jobs',
                                                                        'sum_deltas', 'count_jobs'))
  loop
    execute format('grant execute on function %s to %I', v_function, p_role);
  end loop;
  perform wikiembed_private.open_to_workers(s, p_role) from wikiembed.sources as s
    where to_regproc(format('wikiembed_private.%I', 'store_' || s.name)) is not null;
end;
$$;
comment on function wikiembed.grant_worker(name) is
  'Lets a role run workers: call wikiembed''s functions and use procrastinate''s tables; it reads no chunk table.';
