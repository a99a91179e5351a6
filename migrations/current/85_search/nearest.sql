-- Where few rows fit, all of them are compared. An index of vectors visits rows by their distance alone: of one row in a
-- hundred it visits a thousand to find ten, and misses most of those that are far from each other.
create or replace function wikiembed_private.nearest_rows(
  p_search wikiembed.search_statements, p_filter text, p_is_filtered boolean, p_query vector, p_depth integer, p_ef_search integer,
  out rels oid[], out tids tid[]
)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- What a row costs that the index visits, with its neighbours, ÷ one that is read and compared.
  c_visited constant double precision := 16;
  v_quantised boolean := p_search.quantised_index is not null and wikiembed_private.is_valid_index(p_search.quantised_index);
  v_fitting double precision;
  v_total double precision;
  v_ef integer := p_ef_search;
begin
  if p_is_filtered then
    v_fitting := wikiembed_private.fitting_rows(p_search.exact_statement, p_filter);
    v_total := wikiembed_private.estimated_size(p_search.relation);
    v_ef := least(greatest(p_ef_search, p_depth * v_total / v_fitting), 1000);
  end if;
  if v_fitting is null or v_fitting * v_fitting > c_visited * p_depth * v_total then
    perform set_config('hnsw.ef_search', v_ef::text, true);
    execute array_to_string(case when v_quantised then p_search.quantised_statement else p_search.vector_statement end, p_filter)
       into rels, tids using p_query, p_depth, greatest(v_ef, p_depth);
    perform set_config('hnsw.ef_search', p_ef_search::text, true);
    -- pgvector ends an index scan that finds too few, after hnsw.max_scan_tuples or ef_search rows.
    if not p_is_filtered or cardinality(tids) >= p_depth then
      return;
    end if;
  end if;
  execute array_to_string(p_search.exact_statement, p_filter) into rels, tids using p_query, p_depth;
end;
$$;
comment on function wikiembed_private.nearest_rows(wikiembed.search_statements, text, boolean, vector, integer, integer) is
  'Table and place of the p_depth rows nearest to a vector that fit a filter, nearest first: by the index with p_ef_search candidates or more, or by comparing all that fit, which of few is faster and exact. p_is_filtered: also true where row-level security hides rows.';

create or replace function wikiembed_private.fitting_rows(p_statement text[], p_filter text) returns double precision
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set max_parallel_workers_per_gather = 0
as $$
declare
  v_plan json;
begin
  -- Volatile, since Postgres refuses EXPLAIN in other functions.
  execute format('explain (format json) %s%s) as v', p_statement[1], p_filter) into v_plan;
  return greatest((v_plan #>> '{0,Plan,Plans,0,Plan Rows}')::double precision, 1);
end;
$$;
comment on function wikiembed_private.fitting_rows(text[], text) is
  'How many rows the planner expects to fit a filter, of those that the caller may see; 1 at least. p_statement is a statement of search_by_vector.';

create or replace function wikiembed_private.estimated_size(p_relation regclass) returns double precision
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(sum(greatest(c.reltuples, 0)), 0)::double precision
    from (select p_relation as relid union select p.relid from pg_partition_tree(p_relation) as p where p.isleaf) as r
    join pg_class as c on c.oid = r.relid
   where c.relkind = 'r';
$$;
comment on function wikiembed_private.estimated_size(regclass) is
  'The number of rows that a table and its partitions had when they were last analysed; 0 if they never were.';
