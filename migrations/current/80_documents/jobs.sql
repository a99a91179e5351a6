-- The jobs of documents that wait to be split. Triggers contain the statement itself: a call of a function would
-- cost an insert of one document 0.1 ms.
create or replace function wikiembed_private.documents_per_job() returns integer
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select 16;
$$;
comment on function wikiembed_private.documents_per_job() is
  'Number of documents that are queued in one job at most.';

create or replace function wikiembed_private.split_jobs(p_name text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format(
    $sql$insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
      select %1$L, 'wikiembed.split', m.priority, jsonb_build_object('source', %2$L, 'documents', to_jsonb(array_agg(m.key)))
        from (select q.key, q.priority, (row_number() over () - 1) / %3$s as batch from queued as q) as m
       group by m.batch, m.priority
       order by m.batch$sql$,
    'embed_' || p_name, p_name, wikiembed_private.documents_per_job());
$$;
comment on function wikiembed_private.split_jobs(text) is
  'SQL that queues the documents of a source: those of queued (key, priority), which precedes it, in their order.';

create or replace function wikiembed_private.queue_documents(p_source text, p_keys text[], p_priority integer) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_jobs bigint;
begin
  execute 'with queued as (select k as key, $2 as priority from unnest($1) as k order by k) '
    || wikiembed_private.split_jobs(p_source) using p_keys, p_priority;
  get diagnostics v_jobs = row_count;
  return v_jobs;
end;
$$;
comment on function wikiembed_private.queue_documents(text, text[], integer) is
  'Queues documents of a source; returns the number of jobs.';
