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

create or replace function wikiembed_private.chunk_key(p_name text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case when count(*) = 1 then min(format('c.%I::text', k.name))
              else format('jsonb_build_array(%s)::text', string_agg(format('c.%I', k.name), ', ' order by k.number)) end
    from unnest(wikiembed_private.chunk_key_columns(p_name)) with ordinality as k (name, number);
$$;
comment on function wikiembed_private.chunk_key(text) is
  'SQL of the key of a chunk''s document as text; the chunk table is named c.';
