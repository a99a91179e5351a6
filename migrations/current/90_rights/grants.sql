create or replace function wikiembed.grant_writer(p_role name) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_relation regclass;
  v_sequence regclass;
begin
  for v_relation in
    select s.relation from wikiembed.sources as s where wikiembed_private.qualified(s.relation) is not null
    union
    select d.relation from wikiembed.document_sources as d where wikiembed_private.qualified(d.relation) is not null
    union
    select to_regclass('public.wiki_pages') where to_regclass('public.wiki_pages') is not null
  loop
    execute format('grant usage on schema %I to %I',
      (select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = v_relation),
      p_role);
    execute format('grant select, insert, update on %s to %I', wikiembed_private.qualified(v_relation), p_role);
    -- The sequence of a serial column; an identity column needs none.
    for v_sequence in
      select d.objid from pg_depend as d join pg_class as c on c.oid = d.objid
       where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
         and d.refobjid = v_relation and d.deptype = 'a' and c.relkind = 'S'
    loop
      execute format('grant usage on sequence %s to %I', wikiembed_private.qualified(v_sequence), p_role);
    end loop;
  end loop;
  if to_regprocedure('wikiembed.load_pages(jsonb)') is not null then
    execute format('grant usage on schema wikiembed to %I', p_role);
    execute format('grant select on wikiembed.documents, wikiembed.alembic_version, wikiembed.schema_digest to %I', p_role);
    execute format('grant execute on function wikiembed.load_pages(jsonb), wikiembed_private.count_documents(text),'
      ' wikiembed_private.qualified(regclass) to %I', p_role);
  end if;
end;
$$;
comment on function wikiembed.grant_writer(name) is
  'Lets a role insert and update chunks and documents of the attached tables, load wiki pages, and see how many documents wait; grants no right on the queue.';

create or replace function wikiembed.grant_worker(p_role name) returns void
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
    ' wikiembed.throughput, wikiembed.outages, wikiembed.truncation, wikiembed.documents,'
    ' wikiembed.usage, wikiembed.prices, wikiembed.budgets, wikiembed.schedules, wikiembed.limits, wikiembed.lag, wikiembed.lag_histogram, wikiembed.truncation_checks, wikiembed.alembic_version, wikiembed.schema_digest to %I', p_role);
  for v_function in
    select p.oid::regprocedure::text from pg_proc as p
     where (p.pronamespace = 'wikiembed'::regnamespace
            and p.proname in ('read_chunks', 'write_embeddings', 'record_failures', 'record_batches', 'reserve_budget', 'settle_budget', 'limited_servers', 'lease_requests', 'report_limit', 'block_limit', 'pin_model', 'pause',
                              'is_ready', 'rescue_jobs', 'jobs_of_worker', 'reconciles_left', 'release_jobs', 'fold_ledger', 'expire_pauses', 'reconcile',
                              'report_outage', 'end_outage', 'register_worker', 'report_requests', 'write_truncated',
                              'find_truncation_check', 'record_truncation_check',
                              'sample_embedded', 'due_model_checks', 'record_model_check', 'vector_index', 'vector_indexes',
                              'document_options', 'read_documents', 'write_splits', 'requeue_documents', 'record_document_failure'))
        or (p.pronamespace = 'wikiembed_private'::regnamespace and p.proname in ('runnable_queues', 'fetch_jobs', 'finish_jobs',
                                                                        'sum_deltas', 'count_jobs', 'is_paused', 'has_waiting_document', 'count_documents',
                                                                        'lag_seconds', 'is_bulk_closed', 'slots_per_window'))
  loop
    execute format('grant execute on function %s to %I', v_function, p_role);
  end loop;
  perform wikiembed_private.grant_generated(s, p_role) from wikiembed.sources as s
    where to_regproc(format('wikiembed_private.%I', 'store_' || s.name)) is not null;
end;
$$;
comment on function wikiembed.grant_worker(name) is
  'Lets a role run workers: call wikiembed''s functions and use procrastinate''s tables; grants no right on chunk tables.';

create or replace function wikiembed.grant_reader(p_role name) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function text;
begin
  execute format('grant usage on schema wikiembed to %I', p_role);
  execute format('grant select on wikiembed.coverage, wikiembed.queue, wikiembed.workers, wikiembed.throughput,'
    ' wikiembed.usage, wikiembed.prices, wikiembed.budgets, wikiembed.schedules, wikiembed.limits, wikiembed.lag, wikiembed.lag_histogram,'
    ' wikiembed.failures, wikiembed.failure_history, wikiembed.truncated_chunks,'
    ' wikiembed.truncation_checks, wikiembed.model_checks, wikiembed.truncation, wikiembed.outages, wikiembed.sources, wikiembed.action_log,'
    ' wikiembed.replaced_tables, wikiembed.documents, wikiembed.document_sources, wikiembed.document_failures, wikiembed.alembic_version, wikiembed.schema_digest to %I', p_role);
  execute format('grant execute on function wikiembed.is_ready(text), wikiembed.is_ready(text, boolean), wikiembed_private.sum_deltas(text),'
    ' wikiembed_private.count_jobs(text), wikiembed_private.is_paused(timestamptz, timestamptz),'
    ' wikiembed_private.has_waiting_document(text), wikiembed_private.count_documents(text),'
    ' wikiembed_private.lag_seconds(smallint),'
    ' wikiembed_private.is_bulk_closed(timestamptz, timestamptz), wikiembed_private.slots_per_window(),'
    ' wikiembed_private.qualified(regclass) to %I', p_role);
  execute format('grant usage on schema wikiembed_private to %I', p_role);
  execute format('grant select on wikiembed.search_statements, wikiembed.search_names, wikiembed.recall_checks to %I', p_role);
  for v_function in
    select p.oid::regprocedure::text from pg_proc as p
     where p.pronamespace = 'wikiembed'::regnamespace and p.proname in ('search', 'sample_vectors', 'measure_recall', 'vector_index', 'vector_indexes',
       'queue_by_priority', 'queue_states', 'throughput_since', 'find_failures')
        or p.pronamespace = 'wikiembed_private'::regnamespace
           and p.proname in ('require_search', 'dimensions_of', 'words_of', 'text_vector', 'dense_letters', 'filter_condition',
                             'column_condition', 'compared', 'comparison', 'chunk_key_columns', 'used_ef_search', 'vector_scans', 'is_valid_index',
                             'nearest_rows', 'fitting_rows', 'estimated_size')
  loop
    execute format('grant execute on function %s to %I', v_function, p_role);
  end loop;
  perform wikiembed_private.grant_search(s, p_role) from wikiembed.sources as s
    where to_regproc(format('wikiembed_private.%I', 'search_' || s.name)) is not null;
end;
$$;
comment on function wikiembed.grant_reader(name) is
  'Lets a role read the views, the failures and their history, the truncated chunks, the outages, the sources and the action log, and call is_ready; grants no right to write.';

-- wikiembed keeps no list of roles: the access lists show which roles may read chunks.
create or replace function wikiembed_private.worker_roles() returns setof name
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select distinct r.rolname
    from pg_proc as p, aclexplode(p.proacl) as a join pg_roles as r on r.oid = a.grantee
   where p.pronamespace = 'wikiembed'::regnamespace and p.proname = 'read_chunks'
     and a.privilege_type = 'EXECUTE' and a.grantee <> p.proowner
   order by r.rolname
$$;
comment on function wikiembed_private.worker_roles() is
  'The roles that grant_worker was called with.';

create or replace function wikiembed_private.reader_roles() returns setof name
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select distinct r.rolname
    from pg_class as c, aclexplode(c.relacl) as a join pg_roles as r on r.oid = a.grantee
   where c.oid = 'wikiembed.failures'::regclass
     and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
     and has_table_privilege(a.grantee, 'wikiembed.action_log', 'select')
   order by 1
$$;
comment on function wikiembed_private.reader_roles() is
  'The roles that grant_reader was called with.';

create or replace function wikiembed_private.grant_search(p_source wikiembed.sources, p_role name) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc as p
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and p.proname in ('search_' || p_source.name, 'rerank_' || p_source.name)
       and obj_description(p.oid, 'pg_proc') = wikiembed_private.generated_comment(p_source.name)
  loop
    execute format('grant execute on function %s to %I', v_function, p_role);
  end loop;
end;
$$;
comment on function wikiembed_private.grant_search(wikiembed.sources, name) is
  'Lets a reader''s role call the functions that search a source with the rights of its caller.';

-- Workers call the functions of each source: read_chunks and write_embeddings plan each call again,
-- with a copy of all its vectors.
create or replace function wikiembed_private.grant_generated(p_source wikiembed.sources, p_role name) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('grant execute on function wikiembed_private.%I(text[], integer) to %I',
    'read_' || p_source.name, p_role);
  execute format('grant execute on function wikiembed_private.%I(text[], bigint[], %I.vector[], integer) to %I',
    'store_' || p_source.name, wikiembed_private.pgvector_schema(), p_role);
end;
$$;
comment on function wikiembed_private.grant_generated(wikiembed.sources, name) is
  'Lets a worker''s role call the functions that read and store chunks of a source.';

-- For a migration that adds to the rights of workers and readers: the roles with the present rights
-- are read from the access lists.
create or replace function wikiembed_private.renew_grants() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role name;
begin
  for v_role in
    select w.role from wikiembed_private.worker_roles() as w (role)
  loop
    perform wikiembed.grant_worker(v_role);
  end loop;
  for v_role in
    select r.role from wikiembed_private.reader_roles() as r (role)
  loop
    perform wikiembed.grant_reader(v_role);
  end loop;
end;
$$;
comment on function wikiembed_private.renew_grants() is
  'Calls grant_worker and grant_reader again for the roles that they were called with.';
