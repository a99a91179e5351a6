create function wikiembed_private.usable_keys(p_relation regclass) returns name[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(a.attname order by a.attnum), '{}')
    from pg_attribute as a
   where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped and a.attnotnull
     and format_type(wikiembed_private.base_type(a.atttypid), null)
         in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')
     and exists (
       select from pg_index as i
        where i.indrelid = p_relation and i.indisunique and i.indisvalid and i.indimmediate
          and i.indpred is null and i.indexprs is null
          and i.indnkeyatts = 1 and i.indkey[0] = a.attnum);
$$;
comment on function wikiembed_private.usable_keys(regclass) is
  'The columns of a table that name a row for sure and can be the key of a source.';
