-- Documents are tables of texts that workers split into chunks. A table of state per source has a row for
-- each document: version null means that it waits to be split, as a null vector does for a chunk. Triggers
-- set it to null and queue the document in the writer's transaction; write_split sets it, under compare and
-- set, together with the chunks. Locks: the document first, for key share, then its state; a worker
-- skips what is locked, so that a writer waits for it for the time of one write at most. A key that a statement
-- removes may be in the table all the same: a trigger that leaves a redirect under the former key, or an insert
-- that ran in the same statement, has recorded it already.
create or replace function wikiembed_private.document_row(p_name text) returns wikiembed.sources
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_documents wikiembed.document_sources;
  v_row wikiembed.sources;
begin
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  if not found then
    return null;
  end if;
  v_row.name := p_name;
  v_row.queue_name := 'embed_' || p_name;
  v_row.relation := v_documents.relation;
  v_row.key_columns := v_documents.key_columns;
  v_row.key_types := v_documents.key_types;
  v_row.key_column := v_documents.key_columns[1];
  v_row.text_columns := v_documents.text_columns;
  v_row.text_paths := v_documents.text_paths;
  v_row.embedding_column := '';
  return v_row;
end;
$$;
comment on function wikiembed_private.document_row(text) is
  'The documents of a source in the shape of a source, for render_template; null when it has none.';

create or replace function wikiembed_private.key_part(p_documents wikiembed.sources, p_key text, p_number bigint) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case when cardinality(p_documents.key_types) = 1
              then format('%s::%s', p_key, wikiembed_private.array_type(p_documents.key_types[1]))
              else format('(%s::jsonb ->> %s)::%s', p_key, p_number - 1, wikiembed_private.array_type(p_documents.key_types[p_number])) end;
$$;
comment on function wikiembed_private.key_part(wikiembed.sources, text, bigint) is
  'Returns the SQL expression of one column of a document''s key, of the key as text.';

-- What the templates of documents name besides a source's: the columns of the chunk table that hold the
-- document's key, the title, the hash of a document's text and title, whether their table was altered, and the
-- statement that queues documents.
create or replace function wikiembed_private.document_names(p_name text) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_documents wikiembed.document_sources;
  v_row wikiembed.sources := wikiembed_private.document_row(p_name);
  v_columns name[] := wikiembed_private.chunk_key_columns(p_name);
  v_names jsonb;
  v_alias text;
begin
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  select jsonb_build_object(
           'chunks', wikiembed_private.qualified(s.relation),
           'chunks_literal', quote_literal(wikiembed_private.qualified(s.relation)),
           'state', format('wikiembed_private.%I', 'documents_' || p_name),
           'split_jobs', wikiembed_private.split_jobs(p_name),
           'fk_columns', (select string_agg(quote_ident(k.name), ', ' order by k.number) from unnest(v_columns) with ordinality as k (name, number)),
           'fk_values', (select string_agg(wikiembed_private.key_part(v_row, 'k.key', k.number), ', ' order by k.number)
                           from unnest(v_columns) with ordinality as k (name, number)),
           'fk_is_key', (select string_agg(format('c.%I = %s', k.name, wikiembed_private.key_part(v_row, 'k.key', k.number)),
                                           ' and ' order by k.number)
                           from unnest(v_columns) with ordinality as k (name, number)),
           'fk_equals', (select string_agg(format('c.%I = d.%I', k.chunk, k.name), ' and ' order by k.number)
                           from unnest(v_documents.key_columns, v_columns) with ordinality as k (name, chunk, number)))
    into v_names
    from wikiembed.sources as s where s.name = p_name collate "default";
  select v_names || jsonb_build_object('is_altered', case when wikiembed_private.follows_ddl() then 'false' else format(
    '(to_regclass(%1$L) is null or (select count(*) from pg_attribute as a'
    ' where a.attrelid = tg_relid and a.attname = any (%2$L::name[]) and not a.attisdropped) < %3$s)',
    wikiembed_private.qualified(v_row.relation), c.names, cardinality(c.names)) end)
    into v_names
    from (select array(select distinct n from unnest(v_row.key_columns || v_row.text_columns || v_documents.title_column) as n
                        where n is not null order by n) as names) as c;
  foreach v_alias in array array['d', 'n', 'o'] loop
    v_names := v_names || jsonb_build_object(
      'title_' || v_alias, case when v_documents.title_column is null then 'null::text'
                                else format('%s.%I::text', v_alias, v_documents.title_column) end,
      'hash_' || v_alias, format('hashtextextended((coalesce(%s, '''') || e''\x1f'' || coalesce(%s, '''')) collate "C", v_generation)',
        wikiembed_private.text_expression(v_row, v_alias),
        case when v_documents.title_column is null then 'null::text'
             else format('%s.%I::text', v_alias, v_documents.title_column) end));
  end loop;
  return v_names || jsonb_build_object(
    'document_insert', quote_ident('on_document_insert_' || p_name), 'document_update', quote_ident('on_document_update_' || p_name),
    'document_delete', quote_ident('on_document_delete_' || p_name), 'document_truncate', quote_ident('on_document_truncate_' || p_name),
    'read_document', quote_ident('read_document_' || p_name), 'split_documents', quote_ident('split_documents_' || p_name));
end;
$$;
comment on function wikiembed_private.document_names(text) is
  'The names that templates of documents use besides those of a source.';

create or replace function wikiembed_private.documents_written_as(p_name text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.render_template(
    wikiembed_private.document_row(p_name), '@table@ (@key_list@; @text_of(d)@; @title_d@) @chunks@ (@fk_columns@)',
    wikiembed_private.document_names(p_name));
$$;
comment on function wikiembed_private.documents_written_as(text) is
  'The names that a source''s generated functions of documents depend on.';
