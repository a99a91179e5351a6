-- With the rights of the caller: grants and row-level security hold for every row that is read, counted or ranked.
create or replace function wikiembed.search(
  p_source text, p_query vector default null, p_text text default null, p_limit integer default 10, p_filter jsonb default null,
  p_vector_weight double precision default 1, p_text_weight double precision default 1, p_per_document boolean default false,
  p_switched boolean default true
) returns table (
  key text, content text, score double precision, distance double precision, vector_rank bigint, text_rank bigint, is_current boolean,
  document_key text, title text, heading text, "position" integer, starts_at integer, ends_at integer
)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_search wikiembed.search_statements;
  v_by_vector boolean := p_query is not null and p_vector_weight > 0;
  v_by_text boolean := p_text is not null and p_text_weight > 0;
  v_words text[];
  v_filter text := '';
  v_depth integer := p_limit;
  v_session integer;
  v_ef integer;
  v_is_filtered boolean;
  v_oversampling integer := 1;
  v_documents bigint;
  v_titled boolean;
  v_rels oid[];
  v_tids tid[];
  v_text_rels oid[];
  v_text_tids tid[];
  v_text_shares double precision[];
begin
  select s.* into v_search from wikiembed.search_statements as s
   where s.source = coalesce(
     (select n.source from wikiembed.search_names as n where n.name = p_source collate "default" and p_switched is not false),
     p_source collate "default");
  if (v_search.source is not null and p_text is null and p_limit between 1 and 1000 and p_vector_weight > 0 and p_vector_weight <= 1000
      and p_text_weight between 0 and 1000 and p_filter is null and not p_per_document
      and not row_security_active(v_search.relation)
      and wikiembed_private.dimensions_of(p_query) = v_search.dimensions) is not true
  then
    perform wikiembed_private.require_search(v_search, coalesce(v_search.source, p_source), p_query, p_text, p_limit, p_vector_weight, p_text_weight, p_per_document);
  else
    v_titled := has_column_privilege(v_search.documents::oid, v_search.title_column, 'select');
    v_session := coalesce(nullif(current_setting('hnsw.ef_search', true), '')::integer, 40);
    if v_search.quantised_index is not null and wikiembed_private.is_valid_index(v_search.quantised_index) then
      v_ef := least(greatest(v_search.ef_search, p_limit * v_search.oversampling, v_session), 1000);
      if v_ef > v_session then
        perform set_config('hnsw.ef_search', v_ef::text, true);
      end if;
      return query execute format('select * from wikiembed_private.%I($1, $2, $3, $4, $5)', 'rerank_' || v_search.source)
        using p_query, p_limit, p_vector_weight, coalesce(v_titled, false), v_ef;
      return;
    end if;
    if greatest(v_search.ef_search, p_limit) > v_session then
      perform set_config('hnsw.ef_search', greatest(v_search.ef_search, p_limit)::text, true);
    end if;
    return query execute format('select * from wikiembed_private.%I($1, $2, $3, $4)', 'search_' || v_search.source)
      using p_query, p_limit, p_vector_weight, coalesce(v_titled, false);
    return;
  end if;
  if p_filter is not null then
    v_filter := wikiembed_private.filter_condition(v_search.source, p_filter);
  end if;
  if v_by_text then
    v_words := wikiembed_private.words_of(v_search.text_config, p_text);
  end if;
  if p_per_document then
    v_depth := greatest(4 * p_limit, 60);
  elsif v_by_vector and v_by_text then
    v_depth := greatest(2 * p_limit, 60);
  end if;
  if v_by_vector then
    v_is_filtered := p_filter is not null or row_security_active(v_search.relation);
    if v_search.quantised_index is not null and wikiembed_private.is_valid_index(v_search.quantised_index) then
      v_oversampling := v_search.oversampling;
    end if;
  end if;
  loop
    if v_by_vector then
      v_ef := wikiembed_private.used_ef_search(v_search.ef_search, v_depth, v_oversampling);
      perform set_config('hnsw.ef_search', v_ef::text, true);
      select n.rels, n.tids into v_rels, v_tids
        from wikiembed_private.nearest_rows(v_search, v_filter, v_is_filtered, p_query, v_depth, v_ef) as n;
    end if;
    if v_by_text then
      execute array_to_string(v_search.text_statement, v_filter) into v_text_rels, v_text_tids, v_text_shares using v_words, 5000, v_depth;
    end if;
    exit when not p_per_document or v_depth > 10000
      or greatest(coalesce(cardinality(v_tids), 0), coalesce(cardinality(v_text_tids), 0)) < v_depth;
    execute v_search.documents_statement into v_documents using v_rels || v_text_rels, v_tids || v_text_tids;
    exit when v_documents >= p_limit;
    v_depth := v_depth * 4;
  end loop;
  v_titled := has_column_privilege(v_search.documents::oid, v_search.title_column, 'select');
  return query execute case when v_titled then v_search.titled_hits_statement else v_search.hits_statement end
    using v_rels, v_tids, v_text_rels, v_text_tids, p_vector_weight, p_text_weight, p_query, p_limit, p_per_document, v_text_shares;
end;
$$;
comment on function wikiembed.search(text, vector, text, integer, jsonb, double precision, double precision, boolean, boolean) is
  'The chunks that fit a vector, a text or both best, with the rights of the caller. Where both find something, score is the sum of weight / 61 * share: by vector 1 for the nearest row that was found and 0 for the farthest, by text how much of the question the row has (BM25+ ÷ the weights of all words), 2 for a row of mean length with each word once; else weight / (60 + rank). distance is the cosine distance (0 to 2); is_current is false for a chunk that waits for its vector, which is found by text alone. p_filter names columns of the chunk or its document: {"tenant": 3, "language": ["en", "de"], "year": {"gte": 2000, "lt": 2010}}. p_per_document returns the best chunk of each document. p_source is the name of a source, or one that was switched to a source; p_switched false searches the source of that very name. Raises WE001, WE013.';

do $$
begin
  if (select string_to_array(e.extversion, '.')::integer[] >= array[0, 8] from pg_catalog.pg_extension as e where e.extname = 'vector') then
    alter function wikiembed.search(text, vector, text, integer, jsonb, double precision, double precision, boolean, boolean)
      set hnsw.iterative_scan = 'strict_order';
  end if;
end;
$$;

-- An index that was dropped, or whose build was interrupted, serves no search; its name outlives a reindex.
create or replace function wikiembed_private.is_valid_index(p_index text) returns boolean
language sql stable
return exists (select from pg_catalog.pg_index as i where i.indexrelid = pg_catalog.to_regclass(p_index) and i.indisvalid);
comment on function wikiembed_private.is_valid_index(text) is
  'Whether an index with that name, with its schema, is there and valid.';

create or replace function wikiembed_private.dimensions_of(p_vector vector) returns integer
language sql immutable
return vector_dims(p_vector);
comment on function wikiembed_private.dimensions_of(vector) is
  'The dimensions of a vector, whatever pgvector''s schema.';

create or replace function wikiembed_private.require_search(
  p_search wikiembed.search_statements, p_source text, p_query vector, p_text text, p_limit integer,
  p_vector_weight double precision, p_text_weight double precision, p_per_document boolean
) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_search.source is null then
    raise exception 'no source is named "%"', p_source
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  if p_query is null and p_text is null then
    raise exception 'a search needs p_query, p_text or both' using errcode = 'WE013';
  end if;
  if p_text ~ '^\s*$' then
    raise exception 'the text to search for is empty' using errcode = 'WE013';
  end if;
  if p_limit is null or p_limit not between 1 and 1000 then
    raise exception 'p_limit must be from 1 to 1,000, not %', coalesce(p_limit::text, 'null') using errcode = 'WE013';
  end if;
  if p_vector_weight is null or p_text_weight is null or not (p_vector_weight between 0 and 1000 and p_text_weight between 0 and 1000)
     or p_vector_weight + p_text_weight = 0
  then
    raise exception 'weights must be from 0 to 1,000, and not both 0' using errcode = 'WE013';
  end if;
  if p_query is not null and p_search.dimensions > 0 and wikiembed_private.dimensions_of(p_query) <> p_search.dimensions then
    raise exception 'the vectors of source "%" have % dimensions and the question''s has %',
      p_source, p_search.dimensions, wikiembed_private.dimensions_of(p_query)
      using errcode = 'WE013', hint = 'Embed the question with the model of the source: wikiembed.sources has it.';
  end if;
  if p_text is not null and p_text_weight > 0 and p_search.text_statement is null then
    raise exception 'source "%" has no index for search by text', p_source
      using errcode = 'WE013', hint = format('Build it: wikiembed index --text --source %s.', p_source);
  end if;
  if p_per_document is null or (p_per_document and p_search.documents_statement is null) then
    raise exception 'source "%" has no documents to return one chunk of each', p_source
      using errcode = 'WE013', hint = 'Leave p_per_document out.';
  end if;
end;
$$;
comment on function wikiembed_private.require_search(
  wikiembed.search_statements, text, vector, text, integer, double precision, double precision, boolean) is
  'Refuses a search that cannot be run. Raises WE001, WE013.';
