-- The only place where a source's names enter SQL text. A template has placeholders between two @,
-- which are replaced:
--   @source@             the source's name, a literal
--   @table@              the table, qualified and quoted; @table_literal@ the same as a literal
--   @key@ @embedding@    the first column of its key, and its vector column, quoted;
--                        @key_literal@ and @embedding_literal@ as literals
--   @key_list@ @text_list@ all columns of its key, and of its text
--   @key_type@           type in which keys are gathered: varchar as text, a composite key as text
--   @key_joins@ @key_lookups@
--                        settings that make Postgres look up each key
--   @vector_cast@        cast from vector to the column's type; empty for vector
--   @vector_equals@      equality of two vectors, operator(schema.=)
--   @vector_schema@      pgvector's schema, quoted
--   @queue@              the source's queue, a literal
--   @clock@              its sequence of the last notification, a literal
--   @read@ @store@ @fail@ @outcomes@ @null_stale@ @on_insert@ @on_update@ @on_delete@ @on_truncate@ @search@
--   @rerank@             the functions that are generated for it; @deltas@ its table of ledger rows
--   @null_stale_trigger@ its row trigger; @missing_index@ the index on its missing rows
-- A name with arguments is a call of render_call, such as @text_of(t)@.
-- p_more adds others, whose values are SQL already. Placeholders in a value are not replaced.
create or replace function wikiembed_private.render_template(
  p_source wikiembed.sources, p_template text, p_more jsonb default '{}'
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := wikiembed_private.qualified(p_source.relation);
  v_vector_schema text := quote_ident(wikiembed_private.pgvector_schema());
  v_values jsonb := p_more || jsonb_build_object(
    'source', quote_literal(p_source.name),
    'table', v_table,
    'table_literal', quote_literal(v_table),
    'key', quote_ident(p_source.key_column),
    'key_literal', quote_literal(p_source.key_column),
    'embedding', quote_ident(p_source.embedding_column),
    'embedding_literal', quote_literal(p_source.embedding_column),
    'key_list', (select string_agg(quote_ident(c.name), ', ' order by c.number)
                   from unnest(p_source.key_columns) with ordinality as c (name, number)),
    'text_list', (select string_agg(quote_ident(c.name), ', ' order by c.number)
                    from unnest(p_source.text_columns) with ordinality as c (name, number)),
    'key_type', case when cardinality(p_source.key_columns) > 1 then 'text'
                     else wikiembed_private.array_type(p_source.key_types[1]) end,
    'key_joins', case when cardinality(p_source.key_columns) > 1 then 'set enable_hashjoin = off'
                      else 'set enable_nestloop = off' end,
    'key_lookups', case when cardinality(p_source.key_columns) > 1
                        then 'set enable_hashjoin = off set enable_mergejoin = off' else '' end,
    'vector_cast', case when p_source.embedding_type = 'halfvec' then format('::%s.halfvec', v_vector_schema) else '' end,
    'vector_equals', format('operator(%s.=)', v_vector_schema),
    'vector_schema', v_vector_schema,
    'queue', quote_literal(p_source.queue_name),
    'clock', quote_literal('wikiembed_private.' || quote_ident('clock_embed_' || p_source.name)),
    'null_stale_trigger', quote_ident('zzz_wikiembed_' || p_source.name),
    'missing_index', quote_ident('wikiembed_missing_' || p_source.name));
  v_generated text[] := wikiembed_private.generated_names() || array['deltas'];
  v_rendered text := '';
  v_piece text;
  v_number bigint;
begin
  for v_piece, v_number in
    select p.piece, p.number from unnest(string_to_array(p_template, '@')) with ordinality as p (piece, number)
  loop
    if v_number % 2 = 0 then
      v_piece := case when v_piece like '%(%)' then wikiembed_private.render_call(
                        p_source, split_part(v_piece, '(', 1),
                        regexp_split_to_array(rtrim(substr(v_piece, strpos(v_piece, '(') + 1), ')'), '\s*,\s*'))
                      when v_piece = any (v_generated) then quote_ident(v_piece || '_' || p_source.name)
                      when v_values ? v_piece then coalesce(v_values ->> v_piece, '') end;
      if v_piece is null then
        raise exception 'a template has an unknown name: %', p_template;
      end if;
    end if;
    v_rendered := v_rendered || v_piece;
  end loop;
  return v_rendered;
end;
$$;
comment on function wikiembed_private.render_template(wikiembed.sources, text, jsonb) is
  'Renders a template of SQL with the names of a source.';

create or replace function wikiembed_private.generated_names() returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select array['null_stale', 'on_insert', 'on_update', 'on_delete', 'on_truncate', 'outcomes', 'read', 'store', 'fail', 'search', 'rerank'];
$$;
comment on function wikiembed_private.generated_names() is
  'Prefixes of the names of the functions that are generated for each source, before _ and its name.';

create or replace function wikiembed_private.generated_comment(p_name text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select 'Written by write_triggers for source ' || p_name || '.';
$$;
comment on function wikiembed_private.generated_comment(text) is
  'Comment on the functions that are generated for a source, which identifies them.';

-- Function bodies are generated between $body$ and $body$.
create or replace function wikiembed_private.require_quotable(p_source wikiembed.sources) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if position('$body$' in wikiembed_private.source_names(p_source)) > 0 then
    raise exception 'a name of source "%" contains $body$', p_source.name
      using errcode = 'WE004', hint = 'Rename the table or the column.';
  end if;
end;
$$;
comment on function wikiembed_private.require_quotable(wikiembed.sources) is
  'Refuses names that would end the text of a function. Raises WE004.';

create or replace function wikiembed_private.source_names(p_source wikiembed.sources) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.render_template(
    p_source, '@table@ (@key_list@; @text_of(t)@; @embedding@) @key_type@ @vector_cast@ @vector_schema@');
$$;
comment on function wikiembed_private.source_names(wikiembed.sources) is
  'The names that a source''s generated functions depend on.';
