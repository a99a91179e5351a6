-- Recall is measured with the statements and settings of wikiembed.search, and with the rights of the caller.
create or replace function wikiembed_private.used_ef_search(
  p_ef_search integer, p_depth integer, p_oversampling integer default 1
) returns integer
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select least(greatest(p_ef_search, p_depth * p_oversampling, coalesce(nullif(current_setting('hnsw.ef_search', true), '')::integer, 40)), 1000);
$$;
comment on function wikiembed_private.used_ef_search(integer, integer, integer) is
  'Returns the hnsw.ef_search with which search finds rows by vector, of a source''s own and the number of rows, times the oversampling of its quantised index.';

create or replace function wikiembed.sample_vectors(p_source text, p_rows integer) returns table (key text, embedding vector)
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_statement text;
  v_percent real;
  v_seed double precision := random();
  v_found bigint;
begin
  -- As many pages as rows, so that most rows are from different ones.
  select t.sample_statement,
         least(100, 100.0 * p_rows * current_setting('block_size')::bigint / greatest(
           pg_relation_size(s.relation),
           (select sum(pg_relation_size(p.relid)) from pg_partition_tree(s.relation) as p where p.isleaf), 1))
    into v_statement, v_percent
    from wikiembed.search_statements as t
    join wikiembed.sources as s on s.name = t.source
   where t.source = p_source collate "default";
  if v_statement is null then
    raise exception 'no source is named "%"', p_source
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  loop
    execute format('select count(*) from (%s) as s', v_statement) into v_found using v_percent, p_rows, v_seed;
    exit when v_found >= p_rows or v_percent >= 100;
    v_percent := least(100, 10 * v_percent);
  end loop;
  return query execute v_statement using v_percent, p_rows, v_seed;
end;
$$;
comment on function wikiembed.sample_vectors(text, integer) is
  'Keys and vectors of random chunks, with the rights of the caller; reads about as many pages as rows. Raises WE001.';

create or replace function wikiembed_private.vector_scans(p_relation regclass) returns bigint
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(sum(pg_stat_get_xact_numscans(i.indexrelid)), 0)::bigint
    from (select p_relation as relid union select t.relid from pg_partition_tree(p_relation) as t) as r
    join pg_index as i on i.indrelid = r.relid
    join pg_class as c on c.oid = i.indexrelid
    join pg_am as m on m.oid = c.relam
   where m.amname in ('hnsw', 'ivfflat');
$$;
comment on function wikiembed_private.vector_scans(regclass) is
  'Returns the number of scans of a table''s indexes of vectors by this transaction.';

-- A plan that is kept would be that of another hnsw.ef_search.
create or replace function wikiembed.measure_recall(
  p_source text, p_query vector, p_key text, p_ef_search integer[], p_limit integer default 10, p_filter jsonb default null
) returns table (ef_search integer, recall double precision, duration_ms double precision, by_index boolean)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
  v_search wikiembed.search_statements;
  v_relation regclass;
  v_is_plain boolean;
  v_quantised boolean;
  v_filter text := '';
  v_depth integer := p_limit + 1;
  v_plain text;
  v_hits text;
  v_farthest double precision;
  v_expected bigint;
  v_distances double precision[];
  v_is_warm boolean := false;
  v_began timestamptz;
  v_scans bigint;
  v_rels oid[];
  v_tids tid[];
begin
  select s.* into v_search from wikiembed.search_statements as s where s.source = p_source collate "default";
  perform wikiembed_private.require_search(v_search, p_source, p_query, null, v_depth, 1, 0, false);
  v_relation := v_search.relation;
  v_is_plain := p_filter is null and not row_security_active(v_relation) and wikiembed_private.dimensions_of(p_query) = v_search.dimensions;
  if p_filter is not null then
    v_filter := wikiembed_private.filter_condition(p_source, p_filter);
  end if;
  v_quantised := v_search.quantised_index is not null and wikiembed_private.is_valid_index(v_search.quantised_index);
  -- The row that asks is left out.
  v_plain := format(
    'select array_agg(h.distance) from (select h.distance from wikiembed_private.%I($1, $2, 1, false%s) as h'
    ' where h.key is distinct from $3 order by h.vector_rank limit $4) as h',
    case when v_quantised then 'rerank_' else 'search_' end || p_source, case when v_quantised then ', $5' else '' end);
  v_hits := format(
    'select array_agg(h.distance) from (select h.distance from (%s) as h where h.key is distinct from $11 order by h.vector_rank limit $12) as h',
    v_search.hits_statement);

  v_began := clock_timestamp();
  execute array_to_string(v_search.exact_statement, v_filter) into v_rels, v_tids using p_query, v_depth;
  execute v_hits into v_distances
    using v_rels, v_tids, null::oid[], null::tid[], 1.0::double precision, 0.0::double precision, p_query, v_depth, false,
        null::double precision[], p_key, p_limit;
  duration_ms := 1000 * extract(epoch from clock_timestamp() - v_began);
  v_expected := cardinality(v_distances);
  v_farthest := v_distances[v_expected];
  if v_farthest is null or v_farthest = 'NaN' then
    return;
  end if;
  recall := 1;
  by_index := false;
  return next;

  -- The first run only reads the pages that the others need.
  foreach ef_search in array (select max(e.ef_search) from unnest(p_ef_search) as e (ef_search)) || p_ef_search loop
    perform set_config('hnsw.ef_search', ef_search::text, true);
    v_scans := wikiembed_private.vector_scans(v_relation);
    v_began := clock_timestamp();
    if v_is_plain then
      execute v_plain into v_distances using p_query, v_depth, p_key, p_limit, greatest(ef_search, v_depth);
    else
      select n.rels, n.tids into v_rels, v_tids
        from wikiembed_private.nearest_rows(v_search, v_filter, p_filter is not null or row_security_active(v_relation),
                                            p_query, v_depth, ef_search) as n;
      execute v_hits into v_distances
        using v_rels, v_tids, null::oid[], null::tid[], 1.0::double precision, 0.0::double precision, p_query, v_depth, false,
        null::double precision[], p_key, p_limit;
    end if;
    duration_ms := 1000 * extract(epoch from clock_timestamp() - v_began);
    -- Among rows of equal distance each is as good an answer as another.
    recall := (select count(*) from unnest(v_distances) as d (distance) where d.distance <= v_farthest)::double precision / v_expected;
    by_index := wikiembed_private.vector_scans(v_relation) > v_scans or not current_setting('track_counts')::boolean;
    if v_is_warm then
      return next;
    end if;
    v_is_warm := true;
  end loop;
end;
$$;
comment on function wikiembed.measure_recall(text, vector, text, integer[], integer, jsonb) is
  'Asks one question and returns, for each value of hnsw.ef_search, the share of the p_limit nearest chunks that search finds, how long it takes in ms, and whether it uses the index of vectors; ef_search null is the exact answer. p_key, the chunk that the question is of, is left out. No rows where nothing is to be found. Raises WE001, WE013.';

-- With a setting of its own, the function leaves that of its session as it is. Postgres lets only a superuser
-- set what it does not know, and knows these once pgvector is loaded.
do $$
begin
  perform '[1]'::vector;
  alter function wikiembed.measure_recall(text, vector, text, integer[], integer, jsonb) set hnsw.ef_search = 40;
  if (select string_to_array(e.extversion, '.')::integer[] >= array[0, 8] from pg_catalog.pg_extension as e where e.extname = 'vector') then
    alter function wikiembed.measure_recall(text, vector, text, integer[], integer, jsonb) set hnsw.iterative_scan = 'strict_order';
  end if;
end;
$$;

create or replace function wikiembed.record_recall(
  p_source text, p_ef_search integer[], p_recall double precision[], p_sample integer, p_depth integer default 10, p_filter jsonb default null
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.get_source(p_source);
  delete from wikiembed.recall_checks as c
   where c.source = p_source and c.depth = p_depth and c.filter = coalesce(p_filter, '{}');
  insert into wikiembed.recall_checks as c (source, depth, filter, ef_search, recall, sample)
  select p_source, p_depth, coalesce(p_filter, '{}'), m.ef_search, m.recall, p_sample
    from unnest(p_ef_search, p_recall) as m (ef_search, recall);
end;
$$;
comment on function wikiembed.record_recall(text, integer[], double precision[], integer, integer, jsonb) is
  'Stores the recall that was measured for values of hnsw.ef_search, in place of the previous measurement of this depth and filter; doctor warns when it is low. Raises WE001.';

create or replace function wikiembed.set_ef_search(p_source text, p_ef_search integer) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.get_source(p_source);
  if p_ef_search not between 1 and 1000 then
    raise exception 'hnsw.ef_search must be from 1 to 1,000, not %', p_ef_search using errcode = 'WE013';
  end if;
  update wikiembed.sources as s set ef_search = p_ef_search where s.name = p_source;
  perform wikiembed_private.write_search(p_source);
end;
$$;
comment on function wikiembed.set_ef_search(text, integer) is
  'Sets the least hnsw.ef_search with which a source is searched by vector, 1 to 1,000: more finds more of the nearest chunks and takes longer; null ends it. A higher one of the session counts. Raises WE001, WE013.';
