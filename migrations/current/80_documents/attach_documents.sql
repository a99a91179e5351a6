-- One transaction: the chunk table is created or adopted, attached as a source, and the documents that are
-- there are recorded as waiting. Gives up after waiting 10 s for a lock. The chunk table belongs to the owner
-- of the documents, which wikiembed's owner is a member of.
create or replace function wikiembed.attach_documents(
  p_relation regclass, p_key name[], p_text text[], p_name text, p_title name default null, p_chunks text default null,
  p_splitter text default 'text', p_max_chars integer default 1000, p_overlap_chars integer default 0,
  p_context text default 'title_heading', p_dimensions integer default null, p_embedding_type text default 'vector',
  p_provider text default null, p_model text default null, p_document_prefix text default null,
  p_query_prefix text default null, p_batch_size integer default 64, p_enqueue boolean default false,
  p_max_tokens integer default null
) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
as $$
declare
  v_row wikiembed.sources;
  v_title pg_attribute;
  v_chunks regclass;
  v_documents wikiembed.document_sources;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.check_name(p_name);
  perform wikiembed_private.check_relation(p_relation);
  perform wikiembed_private.check_rights(p_relation);
  perform wikiembed_private.lock_source(p_name);
  execute format('lock table %s in share row exclusive mode', wikiembed_private.qualified(p_relation));
  v_row.name := p_name;
  v_row.relation := p_relation;
  v_row := wikiembed_private.check_keys(v_row, p_key);
  v_row := wikiembed_private.check_texts(v_row, p_text);
  perform wikiembed_private.check_document_options(p_splitter, p_max_chars, p_overlap_chars, p_context, p_embedding_type, p_max_tokens);
  if p_title is not null then
    v_title := wikiembed_private.require_column(p_relation, p_title, 'text', null);
    perform wikiembed_private.check_text(p_relation, v_title);
  end if;
  v_chunks := wikiembed_private.create_chunk_table(
    v_row, wikiembed_private.chunk_table_name(p_relation, coalesce(p_chunks, quote_ident(p_name || '_chunks'))),
    p_embedding_type, p_dimensions);
  perform wikiembed.attach(
    v_chunks, array['id']::name[], array['context', 'content'], 'embedding', p_name, p_provider, p_model, p_dimensions,
    p_document_prefix, p_query_prefix, p_batch_size);
  v_documents := wikiembed_private.document_columns(v_row);
  v_documents.title_column := p_title;
  v_documents.title_attnum := v_title.attnum;
  v_documents.splitter := p_splitter;
  v_documents.max_chars := p_max_chars;
  v_documents.overlap_chars := p_overlap_chars;
  v_documents.context := p_context;
  v_documents.max_tokens := p_max_tokens;
  perform wikiembed_private.register_documents(v_documents);
  update wikiembed.sources as s set held_back_at = now()
   where s.name = p_name and wikiembed_private.has_waiting_document(p_name);
  if p_enqueue then
    perform wikiembed.enqueue(p_name);
  end if;
  return p_name;
end;
$$;
comment on function wikiembed.attach_documents(
  regclass, name[], text[], text, name, text, text, integer, integer, text, integer, text, text, text, text, text, integer, boolean, integer) is
  'Keeps a chunk table in step with a table of documents, and the chunks embedded: creates <schema>.<name>_chunks or adopts a table of that shape, attaches it as a source, and has workers split each document that is written from now on. Documents that are there wait for enqueue unless p_enqueue. Raises WE002 to WE010.';

create or replace function wikiembed.attach_documents(
  p_relation regclass, p_key name, p_text name, p_name text, p_title name default null, p_chunks text default null,
  p_splitter text default 'text', p_max_chars integer default 1000, p_overlap_chars integer default 0,
  p_context text default 'title_heading', p_dimensions integer default null, p_embedding_type text default 'vector',
  p_provider text default null, p_model text default null, p_document_prefix text default null,
  p_query_prefix text default null, p_batch_size integer default 64, p_enqueue boolean default false,
  p_max_tokens integer default null
) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
as $$
begin
  return wikiembed.attach_documents(
    p_relation, array[p_key], array[p_text::text], p_name, p_title, p_chunks, p_splitter, p_max_chars, p_overlap_chars,
    p_context, p_dimensions, p_embedding_type, p_provider, p_model, p_document_prefix, p_query_prefix, p_batch_size, p_enqueue,
    p_max_tokens);
end;
$$;
comment on function wikiembed.attach_documents(
  regclass, name, name, text, name, text, text, integer, integer, text, integer, text, text, text, text, text, integer, boolean, integer) is
  'The same for a key and a text of one column each.';

-- The search path is pinned: without a schema the table would be looked for in pg_catalog.
create or replace function wikiembed_private.chunk_table_name(p_documents regclass, p_chunks text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_parts text[];
begin
  begin
    v_parts := parse_ident(p_chunks);
  exception when invalid_parameter_value then
    v_parts := '{}';
  end;
  if cardinality(v_parts) not between 1 and 2 then
    raise exception 'no table can be named %', quote_literal(p_chunks)
      using errcode = 'WE010', hint = 'Give its name with the schema, as in public.articles_chunks.';
  end if;
  if cardinality(v_parts) = 1 then
    v_parts := array[(select n.nspname::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
                       where c.oid = p_documents)] || v_parts;
  end if;
  if to_regnamespace(quote_ident(v_parts[1])) is null or v_parts[1] like 'pg\_%' then
    raise exception 'no table can be in schema %', quote_literal(v_parts[1])
      using errcode = 'WE010', hint = 'Create the schema, or name another.';
  end if;
  return format('%I.%I', v_parts[1], v_parts[2]);
end;
$$;
comment on function wikiembed_private.chunk_table_name(regclass, text) is
  'The qualified name of a chunk table, by default in the schema of its documents; raises WE010.';

create or replace function wikiembed_private.check_document_options(
  p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_embedding_type text,
  p_max_tokens integer
) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_splitter is null or p_splitter not in ('text', 'markdown', 'html') then
    raise exception 'no splitter is named "%"', p_splitter using errcode = 'WE010', hint = 'Splitters are text, markdown and html.';
  end if;
  if p_max_chars is null or p_max_chars not between 32 and 1000000 then
    raise exception 'a chunk has at most 32 to 1,000,000 characters, not %', p_max_chars using errcode = 'WE010';
  end if;
  if p_max_tokens not between 8 and 1000000 then
    raise exception 'a chunk has at most 8 to 1,000,000 tokens, not %', p_max_tokens using errcode = 'WE010';
  end if;
  if p_overlap_chars is null or p_overlap_chars not between 0 and p_max_chars / 4 then
    raise exception 'chunks overlap by 0 to a quarter of max_chars, not %', p_overlap_chars using errcode = 'WE010';
  end if;
  if p_context is null or p_context not in ('none', 'title', 'heading', 'title_heading') then
    raise exception 'no context is named "%"', p_context
      using errcode = 'WE010', hint = 'It is none, title, heading or title_heading.';
  end if;
  if p_embedding_type is null or p_embedding_type not in ('vector', 'halfvec') then
    raise exception 'no type of embeddings is named "%"', p_embedding_type using errcode = 'WE010', hint = 'Types are vector and halfvec.';
  end if;
end;
$$;
comment on function wikiembed_private.check_document_options(text, integer, integer, text, text, integer) is
  'Raises WE010 for options of documents that are not valid.';

create or replace function wikiembed_private.missing_chunk_columns(p_chunks regclass, p_more name[]) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(n.name, ', ' order by n.name)
    from unnest(array['id', 'position', 'context', 'content', 'heading', 'starts_at', 'ends_at', 'embedding']::name[] || p_more) as n (name)
   where not exists (select from pg_attribute as a where a.attrelid = p_chunks and a.attname = n.name and not a.attisdropped);
$$;
comment on function wikiembed_private.missing_chunk_columns(regclass, name[]) is
  'The columns that a chunk table lacks, of those that it needs and some more; null: none.';

-- What Postgres would refuse only when the first document is split is refused here. Without the foreign key the
-- chunks of a deleted document would be found by search, and those of one whose key changes would be there twice.
-- A table that a source moves to may get its constraints after the swap.
create or replace function wikiembed_private.check_chunk_table(
  p_documents wikiembed.sources, p_chunks regclass, p_constraints boolean, p_keys name[] default null
) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys name[] := coalesce(
    p_keys,
    array(select 'document_' || k.name from unnest(p_documents.key_columns) with ordinality as k (name, number) order by k.number));
  v_list text := (select string_agg(quote_ident(k.name), ', ' order by k.number) from unnest(v_keys) with ordinality as k (name, number));
  v_missing text := wikiembed_private.missing_chunk_columns(p_chunks, v_keys);
  v_wrong text;
  v_lacks text;
begin
  if v_missing is not null then
    raise exception 'table % lacks columns of a chunk table: %', p_chunks, v_missing
      using errcode = 'WE006', hint = 'Name a table that does not exist yet: it will be created';
  end if;
  with needed as (
    select n.name::name as name, n.types
      from (values ('id', array['smallint', 'integer', 'bigint']), ('position', array['integer', 'bigint']),
                   ('starts_at', array['integer', 'bigint']), ('ends_at', array['integer', 'bigint']),
                   ('context', array['text', 'character varying']), ('content', array['text', 'character varying']),
                   ('heading', array['text', 'character varying'])) as n (name, types)
     union all
    select k.name, case when k.type in ('text', 'character varying') then array['text', 'character varying'] else array[k.type] end
      from unnest(v_keys, p_documents.key_types) as k (name, type)
  ), found as (
    select n.name, n.types, format_type(wikiembed_private.base_type(a.atttypid), null) as type
      from needed as n
      join pg_attribute as a on a.attrelid = p_chunks and a.attname = n.name and not a.attisdropped
  )
  select min(format('column "%s" of %s is of type %s, not %s', f.name, p_chunks, f.type, array_to_string(f.types, ' or ')))
    into v_wrong
    from found as f
   where f.type <> all (f.types);
  if v_wrong is not null then
    raise exception '%', v_wrong
      using errcode = 'WE006', hint = 'Alter its type, or name a table that does not exist yet: it will be created';
  end if;
  if exists (select from pg_attribute as a where a.attrelid = p_chunks and a.attname = 'id' and a.attidentity = '' and not a.atthasdef) then
    raise exception 'column "id" of % has no default', p_chunks
      using errcode = 'WE006', hint = format('Run `alter table %s alter column id add generated always as identity`', p_chunks);
  end if;
  v_lacks := case
    when not p_constraints then null
    when not exists (
      select from pg_constraint as f
       where f.contype = 'f' and f.conrelid = p_chunks and f.confrelid = p_documents.relation
         and f.confupdtype = 'c' and f.confdeltype = 'c' and cardinality(f.conkey) = cardinality(v_keys)
         and not exists (
           select from unnest(v_keys, p_documents.key_attnums) as k (name, attnum)
            where not exists (
              select from unnest(f.conkey, f.confkey) as c (chunk, document)
                join pg_attribute as a on a.attrelid = p_chunks and a.attnum = c.chunk
               where a.attname = k.name and c.document = k.attnum)))
      then format('foreign key (%s) references %s (%s) on update cascade on delete cascade', v_list,
             wikiembed_private.qualified(p_documents.relation),
             (select string_agg(quote_ident(k.name), ', ' order by k.number)
                from unnest(p_documents.key_columns) with ordinality as k (name, number)))
    when not exists (
      select from pg_constraint as u
       where u.contype in ('u', 'p') and u.conrelid = p_chunks and u.condeferred
         and array(select a.attname from pg_attribute as a where a.attrelid = p_chunks and a.attnum = any (u.conkey) order by a.attname)
             = array(select n from unnest(v_keys || 'position'::name) as n order by n))
      then format('unique (%s, position) deferrable initially deferred', v_list) end;
  if v_lacks is not null then
    raise exception 'table % lacks a constraint of a chunk table: %', p_chunks, v_lacks
      using errcode = 'WE006', hint = format('Run `alter table %s add %s`', p_chunks, v_lacks);
  end if;
end;
$$;
comment on function wikiembed_private.check_chunk_table(wikiembed.sources, regclass, boolean, name[]) is
  'Raises WE006 for a table that cannot hold the chunks of these documents: what it lacks, and how to add it. p_keys: its columns that hold the key of the document; null: document_ and the name of each.';

create or replace function wikiembed_private.chunk_table_fault(p_name text, out message text, out advice text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row wikiembed.sources := wikiembed_private.document_row(p_name);
  v_chunks regclass := (select s.relation from wikiembed.sources as s where s.name = p_name collate "default");
begin
  if wikiembed_private.documents_gone(p_name) is not false or wikiembed_private.qualified(v_chunks) is null then
    return;
  end if;
  v_row.key_attnums := array(
    select a.attnum from unnest(v_row.key_columns) with ordinality as k (name, number)
      join pg_attribute as a on a.attrelid = v_row.relation and a.attname = k.name and not a.attisdropped
     order by k.number);
  perform wikiembed_private.check_chunk_table(v_row, v_chunks, true, wikiembed_private.chunk_key_columns(p_name));
exception when sqlstate 'WE006' then
  get stacked diagnostics message = message_text, advice = pg_exception_hint;
  if message like '%lacks columns%' then
    advice := 'Rename them back, or add them';
  end if;
end;
$$;
comment on function wikiembed_private.chunk_table_fault(text) is
  'What the chunk table of a source of documents lacks now, and what to do; null: nothing, or one of its tables was dropped.';

-- Names that are quoted in p_chunks stay as they are; a table that exists must have the shape.
create or replace function wikiembed_private.create_chunk_table(
  p_documents wikiembed.sources, p_chunks text, p_embedding_type text, p_dimensions integer
) returns regclass
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_chunks regclass := to_regclass(p_chunks);
  v_keys text;
begin
  if v_chunks is not null then
    perform wikiembed_private.check_chunk_table(p_documents, v_chunks, true);
    return v_chunks;
  end if;
  if coalesce(p_dimensions, 0) < 1 then
    raise exception 'the chunk table needs the dimensions of its vectors'
      using errcode = 'WE010', hint = 'Give p_dimensions, those of the model.';
  end if;
  v_keys := (select string_agg(format('%I', 'document_' || k.name), ', ' order by k.number)
               from unnest(p_documents.key_columns) with ordinality as k (name, number));
  execute format(
    'create table %1$s (
       id bigint generated always as identity primary key,
       %2$s,
       position integer not null check (position >= 0),
       context text,
       content text not null,
       heading text not null default '''',
       starts_at integer not null,
       ends_at integer not null,
       embedding %3$I.%4$I(%5$s),
       check (0 <= starts_at and starts_at <= ends_at),
       unique (%6$s, position) deferrable initially deferred,
       foreign key (%6$s) references %7$s (%8$s) on update cascade on delete cascade)',
    p_chunks,
    (select string_agg(format('%I %s not null', 'document_' || a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by k.number)
       from unnest(p_documents.key_attnums) with ordinality as k (attnum, number)
       join pg_attribute as a on a.attrelid = p_documents.relation and a.attnum = k.attnum),
    wikiembed_private.pgvector_schema(), p_embedding_type, p_dimensions, v_keys,
    wikiembed_private.qualified(p_documents.relation),
    (select string_agg(quote_ident(k.name), ', ' order by k.number) from unnest(p_documents.key_columns) with ordinality as k (name, number)));
  v_chunks := to_regclass(p_chunks);
  execute format('alter table %s owner to %I', v_chunks,
    (select pg_get_userbyid(c.relowner) from pg_class as c where c.oid = p_documents.relation));
  execute format('comment on table %s is %L', v_chunks, 'Chunks of wikiembed source ' || p_documents.name || ', split by workers.');
  return v_chunks;
end;
$$;
comment on function wikiembed_private.create_chunk_table(wikiembed.sources, text, text, integer) is
  'The chunk table of documents: created, or the one of that name if it has the shape. Raises WE006, WE010.';
