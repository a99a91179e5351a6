create or replace function wikiembed_private.document_columns(p_row wikiembed.sources) returns wikiembed.document_sources
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_documents wikiembed.document_sources;
begin
  v_documents.source := p_row.name;
  v_documents.relation := p_row.relation;
  v_documents.key_columns := p_row.key_columns;
  v_documents.key_types := p_row.key_types;
  v_documents.key_attnums := p_row.key_attnums;
  v_documents.text_columns := p_row.text_columns;
  v_documents.text_paths := p_row.text_paths;
  v_documents.text_attnums := p_row.text_attnums;
  return v_documents;
end;
$$;
comment on function wikiembed_private.document_columns(wikiembed.sources) is
  'A row of document_sources with the table, key and texts that check_keys and check_texts found, and nothing else.';

-- What attach_documents and the wiki's migration have in common, once the chunk table is a source. The generation
-- begins with the time: a worker may still split a document with the options of a source that was detached, and its
-- write is stale for one that has the name now.
create or replace function wikiembed_private.register_documents(p_documents wikiembed.document_sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_name text := p_documents.source;
begin
  p_documents.generation := coalesce(p_documents.generation, (extract(epoch from clock_timestamp()) * 1000)::bigint);
  p_documents.splitter_version := wikiembed_private.splitter_version();
  p_documents.trigger_version := 0;
  p_documents.written_as := '';
  insert into wikiembed.document_sources select p_documents.*;
  execute format(
    'create table wikiembed_private.%1$I (key text collate "C" primary key, version bigint, chunks integer not null default 0,'
    ' split_at timestamptz)', 'documents_' || v_name);
  execute format('create index on wikiembed_private.%I (key) where version is null', 'documents_' || v_name);
  execute format('comment on table wikiembed_private.%I is %L', 'documents_' || v_name,
    'State of each document of source ' || v_name || ': version null waits to be split.');
  execute format('comment on column wikiembed_private.%1$I.key is ''Key of the document, as text.'';'
    ' comment on column wikiembed_private.%1$I.version is ''Hash of the text that its chunks are of; null: it waits.'';'
    ' comment on column wikiembed_private.%1$I.chunks is ''Number of its chunks.'';'
    ' comment on column wikiembed_private.%1$I.split_at is ''When a worker split it last.'';', 'documents_' || v_name);
  execute wikiembed_private.render_template(wikiembed_private.document_row(v_name),
    'insert into @state@ (key) select @key_of(d)@ from @table@ as d', wikiembed_private.document_names(v_name));
  perform wikiembed_private.write_document_triggers(v_name);
end;
$$;
comment on function wikiembed_private.register_documents(wikiembed.document_sources) is
  'Records that the chunks of a source are split from documents, each of which waits to be split, and writes the triggers of their table.';
