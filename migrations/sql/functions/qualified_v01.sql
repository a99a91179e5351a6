create function wikiembed_private.qualified(p_relation regclass) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format('%I.%I', n.nspname, c.relname)
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
   where c.oid = p_relation;
$$;
comment on function wikiembed_private.qualified(regclass) is
  'The relation''s name with its schema, quoted; null when it was dropped.';
