create function wikiembed_private.pgvector_schema() returns name
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select n.nspname from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
   where e.extname = 'vector';
$$;
comment on function wikiembed_private.pgvector_schema() is
  'The schema that pgvector lives in; null when it is not installed.';
