-- The source of public.wiki_chunks keeps its name, settings, vectors, failures and counts: a null context and
-- a text are hashed as the text alone. Where the chunks are not those of a former `load` or of a worker, as
-- after an uninstall, pages wait for enqueue, as documents do that are there when a table is attached.
create or replace function wikiembed_private.attach_wiki(p_is_split boolean) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_pages regclass := to_regclass('public.wiki_pages');
  v_source wikiembed.sources;
  v_row wikiembed.sources;
  v_documents wikiembed.document_sources;
begin
  select s.* into v_source from wikiembed.sources as s
   where s.relation = to_regclass('public.wiki_chunks') and s.embedding_column = 'embedding'
     and s.key_columns = array['id']::name[] and s.text_columns = array['content']::name[]
   order by s.name = 'wiki' desc, s.name
   limit 1;
  if v_source.name is null or v_pages is null then
    return;
  end if;
  v_source := wikiembed_private.check_texts(v_source, array['context', 'content']);
  update wikiembed.sources as s
     set text_columns = v_source.text_columns, text_paths = v_source.text_paths, text_attnums = v_source.text_attnums,
         text_column = v_source.text_column, text_attnum = v_source.text_attnum
   where s.name = v_source.name;
  perform wikiembed_private.write_triggers(v_source.name);
  v_row.name := v_source.name;
  v_row.relation := v_pages;
  v_row := wikiembed_private.check_texts(wikiembed_private.check_keys(v_row, array['id']::name[]), array['content']);
  v_documents := wikiembed_private.document_columns(v_row);
  v_documents.title_column := 'title';
  v_documents.title_attnum := (wikiembed_private.require_column(v_pages, 'title', 'text', null)).attnum;
  v_documents.splitter := 'text';
  v_documents.max_chars := 1000;
  v_documents.overlap_chars := 0;
  v_documents.context := 'title_heading';
  perform wikiembed_private.register_documents(v_documents);
  if p_is_split then
    execute wikiembed_private.render_template(wikiembed_private.document_row(v_source.name), $sql$
      update @state@ as s
         set version = @hash_d@, chunks = coalesce(c.chunks, 0), split_at = d.loaded_at
        from @table@ as d
       cross join (select g.generation as v_generation from wikiembed.document_sources as g where g.source = @source@) as g
        left join (select c.document_id, count(*) as chunks from @chunks@ as c group by c.document_id) as c on c.document_id = d.id
       where s.key = @key_of(d)@ collate "C"
    $sql$, wikiembed_private.document_names(v_source.name));
  end if;
  update wikiembed.sources as s set held_back_at = coalesce(s.held_back_at, now())
   where s.name = v_source.name and wikiembed_private.has_waiting_document(s.name);
end;
$$;
comment on function wikiembed_private.attach_wiki(boolean) is
  'Makes the source of public.wiki_chunks one of documents over public.wiki_pages; p_is_split: each page is split as its text is now.';
