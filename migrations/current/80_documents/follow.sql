-- The columns of a chunk table that hold its document's key: those of its foreign key, whatever their names,
-- else document_ and the name of each.
create or replace function wikiembed_private.chunk_key_columns(p_name text) returns name[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with keyed as (
    select s.relation as chunks, d.relation as documents, d.key_columns
      from wikiembed.document_sources as d join wikiembed.sources as s on s.name = d.source
     where d.source = p_name collate "default"
  )
  select coalesce(
    (select array_agg(c.attname order by p.number)
       from pg_constraint as f
      cross join unnest(f.conkey, f.confkey) as r (chunk, document)
       join pg_attribute as c on c.attrelid = f.conrelid and c.attnum = r.chunk
       join pg_attribute as d on d.attrelid = f.confrelid and d.attnum = r.document
       join unnest(k.key_columns) with ordinality as p (name, number) on p.name = d.attname
      where f.contype = 'f' and f.conrelid = k.chunks and f.confrelid = k.documents
        and cardinality(f.conkey) = cardinality(k.key_columns)
      group by f.oid
     having count(*) = cardinality(k.key_columns)
      order by f.oid
      limit 1),
    array(select ('document_' || p.name)::name from unnest(k.key_columns) with ordinality as p (name, number) order by p.number))
    from keyed as k;
$$;
comment on function wikiembed_private.chunk_key_columns(text) is
  'Columns of a source''s chunk table that hold the key of the document, in the order of the key.';

create or replace function wikiembed_private.document_triggers_of(p_name text) returns table (relation regclass, trigger name, is_enabled boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select t.tgrelid::regclass, t.tgname, t.tgenabled in ('O', 'A')
    from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
   where p.pronamespace = 'wikiembed_private'::regnamespace
     and p.proname = any (array['on_document_insert_' || p_name, 'on_document_update_' || p_name,
                                'on_document_delete_' || p_name, 'on_document_truncate_' || p_name] collate "C");
$$;
comment on function wikiembed_private.document_triggers_of(text) is
  'The triggers of a source''s documents, on any table.';

create or replace function wikiembed_private.document_tree_current(p_name text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with related as (
    select r.relation
      from wikiembed.document_sources as d, wikiembed_private.relations_of(d.relation) as r (relation)
     where d.source = p_name collate "default"
  )
  select (select count(*) from wikiembed_private.document_triggers_of(p_name)) = 4 * (select count(*) from related)
     and not exists (
       select from wikiembed_private.document_triggers_of(p_name) as t where t.relation not in (select r.relation from related as r));
$$;
comment on function wikiembed_private.document_tree_current(text) is
  'True when the table of a source''s documents and every partition of it, and no other, have its triggers.';

-- The name is used while a column has it; after that the column number finds the new name.
create or replace function wikiembed_private.follow_documents(p_name text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_documents wikiembed.document_sources;
  v_keys pg_attribute[];
  v_texts pg_attribute[];
  v_title pg_attribute;
  v_trigger record;
begin
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  if not found then
    return false;
  end if;
  v_keys := array(select wikiembed_private.find_column(v_documents.relation, c.name, c.attnum)
                    from unnest(v_documents.key_columns, v_documents.key_attnums) with ordinality as c (name, attnum, number)
                   order by c.number);
  v_texts := array(select wikiembed_private.find_column(v_documents.relation, c.name, c.attnum)
                     from unnest(v_documents.text_columns, v_documents.text_attnums) with ordinality as c (name, attnum, number)
                    order by c.number);
  if v_documents.title_column is not null then
    v_title := wikiembed_private.find_column(v_documents.relation, v_documents.title_column, v_documents.title_attnum);
  end if;
  update wikiembed.document_sources as d
     set key_columns = array(select k.attname from unnest(v_keys) as k), key_attnums = array(select k.attnum from unnest(v_keys) as k),
         text_columns = array(select t.attname from unnest(v_texts) as t), text_attnums = array(select t.attnum from unnest(v_texts) as t),
         title_column = v_title.attname, title_attnum = v_title.attnum
   where d.source = p_name collate "default"
     and (d.key_columns, d.key_attnums, d.text_columns, d.text_attnums, d.title_column, d.title_attnum)
         is distinct from (
           array(select k.attname from unnest(v_keys) as k), array(select k.attnum from unnest(v_keys) as k),
           array(select t.attname from unnest(v_texts) as t), array(select t.attnum from unnest(v_texts) as t),
           v_title.attname, v_title.attnum);
  if v_documents.trigger_version = wikiembed_private.trigger_version()
     and v_documents.written_as = wikiembed_private.documents_written_as(p_name)
     and wikiembed_private.document_tree_current(p_name)
  then
    return false;
  end if;
  perform wikiembed_private.write_document_triggers(p_name);
  for v_trigger in
    select t.relation, t.trigger from wikiembed_private.document_triggers_of(p_name) as t
     where t.relation not in (select wikiembed_private.relations_of(v_documents.relation))
  loop
    execute format('drop trigger %I on %s', v_trigger.trigger, wikiembed_private.qualified(v_trigger.relation));
  end loop;
  return true;
end;
$$;
comment on function wikiembed_private.follow_documents(text) is
  'Follows renamed columns and tables and changed partitions of a source''s documents; true when it rewrote their triggers.';
