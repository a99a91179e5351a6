-- Rows of a source that is held back wait for an order, so that none of them is lost.
-- The table is locked first: to a snapshot from before a truncate it would look empty.
create function wikiembed_private.count_violations(p_source wikiembed.sources) returns bigint[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_counts bigint[];
  v_unproved bigint;
begin
  execute wikiembed_private.fill(p_source, 'lock table %2$s in access share mode');
  execute wikiembed_private.fill(p_source, $sql$
    with live as materialized (
      select k.key collate "C" as key
        from wikiembed_queue.procrastinate_jobs as j, jsonb_array_elements_text(
               case jsonb_typeof(j.args -> 'keys') when 'array' then j.args -> 'keys' else '[]' end) as k (key)
       where j.queue_name = %7$L and j.task_name = 'wikiembed.embed' and j.status in ('todo', 'doing')
    )
    select array[
      (select count(*) from %2$s as t
        where $1 and t.%5$I is null
          and not exists (select from live as l where l.key = t.%3$I::text collate "C")
          and not exists (select from wikiembed.failures as f
                           where f.source = %1$L and f.key = t.%3$I::text collate "C")),
      0,
      (select abs(c.total - l.total) + abs(c.embedded - l.embedded)
              + abs(f.failed - l.failed) + abs(f.skipped - l.skipped)
         from (select count(*) as total, count(t.%5$I) as embedded from %2$s as t) as c,
              (select coalesce(sum(l.total), 0)::bigint as total, coalesce(sum(l.embedded), 0)::bigint as embedded,
                      coalesce(sum(l.failed), 0)::bigint as failed, coalesce(sum(l.skipped), 0)::bigint as skipped
                 from wikiembed.ledger as l where l.source = %1$L) as l,
              (select count(*) filter (where f.state = 'failed') as failed,
                      count(*) filter (where f.state = 'skipped') as skipped
                 from wikiembed.failures as f where f.source = %1$L) as f),
      (select count(*) from wikiembed.failures as f
        where f.source = %1$L
          and not exists (select from %2$s as t where t.%5$I is null and t.%3$I::text collate "C" = f.key)),
      (select count(*) from wikiembed.truncated_chunks as c
        where c.source = %1$L
          and not exists (select from %2$s as t where t.%5$I is not null and t.%3$I::text collate "C" = c.key))
    ]
  $sql$) into v_counts using p_source.held_back_at is null;
  if p_source.prove_function is not null then
    execute format('select count(*) from %s as t where t.%I is not null and not %s(%L || t.%I::text, t.%I::%I.vector)
        and not exists (select from wikiembed.truncated_chunks as c where c.source = %L and c.key = t.%I::text collate "C")',
      wikiembed_private.qualified(p_source.relation), p_source.embedding_column,
      (select format('%I.%I', n.nspname, p.proname) from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
        where p.oid = p_source.prove_function),
      coalesce(p_source.document_prefix, ''), p_source.text_column, p_source.embedding_column,
      wikiembed_private.pgvector_schema(), p_source.name, p_source.key_column)
      into v_unproved;
    v_counts[2] := v_unproved;
  end if;
  return v_counts;
end;
$$;
comment on function wikiembed_private.count_violations(wikiembed.sources) is
  'How many rows of one source break each invariant but that of the queue, which comes fifth.';
