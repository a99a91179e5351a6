-- Rows of a source that is held back wait for an enqueue, so they do not count as lost.
-- The table is locked first: a snapshot from before a truncate would read it as empty.
create or replace function wikiembed_private.count_violations(p_source wikiembed.sources) returns bigint[]
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
  execute wikiembed_private.render_template(p_source, 'lock table @table@ in access share mode');
  execute wikiembed_private.render_template(p_source, $sql$
    with live as materialized (
      select k.key from wikiembed_private.live_keys(@queue@, 'wikiembed.embed') as k
    )
    select array[
      (select count(*) from @table@ as t
        where $1 and t.@embedding@ is null
          and not exists (select from live as l where l.key = @key_of(t)@ collate "C")
          and not exists (select from wikiembed.failures as f
                           where f.source = @source@ and f.key = @key_of(t)@ collate "C")),
      0,
      (select abs(c.total - l.total) + abs(c.embedded - l.embedded)
              + abs(f.failed - l.failed) + abs(f.skipped - l.skipped)
         from (select count(*) as total, count(t.@embedding@) as embedded from @table@ as t) as c,
              (select coalesce(sum(l.total), 0)::bigint as total, coalesce(sum(l.embedded), 0)::bigint as embedded,
                      coalesce(sum(l.failed), 0)::bigint as failed, coalesce(sum(l.skipped), 0)::bigint as skipped
                 from wikiembed.ledger as l where l.source = @source@) as l,
              (select count(*) filter (where f.state = 'failed') as failed,
                      count(*) filter (where f.state = 'skipped') as skipped
                 from wikiembed.failures as f where f.source = @source@) as f),
      (select count(*) from wikiembed.failures as f
        where f.source = @source@
          and not exists (select from @table@ as t where t.@embedding@ is null and @key_of(t)@ collate "C" = f.key)),
      (select count(*) from wikiembed.truncated_chunks as c
        where c.source = @source@
          and not exists (select from @table@ as t where t.@embedding@ is not null and @key_of(t)@ collate "C" = c.key))
    ]
  $sql$) into v_counts using p_source.held_back_at is null;
  if p_source.prove_function is not null then
    execute wikiembed_private.render_template(p_source, $sql$
      select count(*) from @table@ as t
       where t.@embedding@ is not null
         and not @prove@(@prefix@ || @text_of(t)@, t.@embedding@::@vector_schema@.vector)
         and not exists (select from wikiembed.truncated_chunks as c
                          where c.source = @source@ and c.key = @key_of(t)@ collate "C")
    $sql$, jsonb_build_object(
      'prove', (select format('%I.%I', n.nspname, p.proname) from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
                 where p.oid = p_source.prove_function),
      'prefix', quote_literal(coalesce(p_source.document_prefix, ''))))
      into v_unproved;
    v_counts[2] := v_unproved;
  end if;
  return v_counts;
end;
$$;
comment on function wikiembed_private.count_violations(wikiembed.sources) is
  'The number of rows of one source that violate each invariant except that of the queue, the fifth.';

create or replace function wikiembed_private.count_document_violations(p_source wikiembed.sources) returns bigint[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_counts bigint[];
begin
  if coalesce(wikiembed_private.documents_gone(p_source.name), true) then
    return array[0, 0];
  end if;
  execute wikiembed_private.render_template(wikiembed_private.document_row(p_source.name), $sql$
    with live as materialized (
      select k.key from wikiembed_private.live_keys(@queue@, 'wikiembed.split') as k
    ), hashed as materialized (
      select @key_of(d)@ collate "C" as key, @hash_d@ as version
        from @table@ as d, (select g.generation as v_generation from wikiembed.document_sources as g where g.source = @source@) as g
    )
    select array[
      (select count(*) from hashed as h left join @state@ as s on s.key = h.key
        where s.version is distinct from h.version
          and ($1 or s.version is not null or s.key is null)
          and not exists (select from live as l where l.key = h.key)
          and not exists (select from wikiembed.document_failures as f where f.source = @source@ and f.key = h.key)),
      (select count(*) from wikiembed_private.damaged_documents(@source@))
      + (select count(*) from wikiembed_private.orphan_chunks(@source@))
    ]
  $sql$, wikiembed_private.document_names(p_source.name)) into v_counts using p_source.held_back_at is null;
  return v_counts;
end;
$$;
comment on function wikiembed_private.count_document_violations(wikiembed.sources) is
  'The number of documents of one source, and of chunks without one, that violate each invariant of documents.';

create or replace function wikiembed.check_invariants(p_source text default null)
returns table (name text, violations bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_source wikiembed.sources;
  v_counts bigint[];
  v_sums bigint[] := array[0, 0, 0, 0, 0, 0, 0];
begin
  if p_source is not null then
    perform wikiembed_private.find_source(p_source);
  end if;
  for v_source in select s.* from wikiembed.sources as s where p_source is null or s.name = p_source loop
    continue when wikiembed_private.is_gone(v_source);
    v_counts := wikiembed_private.count_violations(v_source);
    v_counts := v_counts || wikiembed_private.count_document_violations(v_source);
    v_sums := array(select v_sums[i] + v_counts[i] from generate_series(1, 7) as i);
  end loop;
  return query values
    ('every missing row waits in a job, in failures or is skipped', v_sums[1]),
    ('every stored vector belongs to the row''s text', v_sums[2]),
    ('the ledger''s sums equal the counts of the table', v_sums[3]),
    ('no row is both embedded and in failures', v_sums[4]),
    ('no live job names a source that does not exist', (
      select count(*) from wikiembed_queue.procrastinate_jobs as j
       where j.task_name in ('wikiembed.embed', 'wikiembed.split') and j.status in ('todo', 'doing')
         and not exists (select from wikiembed.sources as s where s.name = j.args ->> 'source'))),
    ('every chunk that is marked as truncated has a vector', v_sums[5]),
    ('every document is split as its text is now, or waits in a job or in failures', v_sums[6]),
    ('every chunk of a document is its text from starts_at to ends_at, at gapless positions', v_sums[7]);
end;
$$;
comment on function wikiembed.check_invariants(text) is
  'The eight invariants and the number of rows that violate each; the second is verified only where sources.prove_function is set. Reads whole tables. Raises WE001.';
