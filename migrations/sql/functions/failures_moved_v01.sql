create function wikiembed_private.failures_moved(
  p_former wikiembed.sources, p_source wikiembed.sources
) returns wikiembed.failures[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_failures wikiembed.failures[];
begin
  execute format(
    'select coalesce(array_agg(f order by f.key), ''{}'') from wikiembed.failures as f
       join %s as o on o.%I::text collate "C" = f.key
       join %s as n on n.%I::text collate "C" = f.key
      where f.source = $1 collate "C" and o.%I::text collate "C" is not distinct from n.%I::text collate "C" and n.%I is null',
    wikiembed_private.qualified(p_former.relation), p_former.key_column,
    wikiembed_private.qualified(p_source.relation), p_source.key_column,
    p_former.text_column, p_source.text_column, p_source.embedding_column)
    into v_failures using p_former.name;
  return v_failures;
end;
$$;
comment on function wikiembed_private.failures_moved(wikiembed.sources, wikiembed.sources) is
  'The failures of a source that is moved whose rows have the same key and text in both tables.';
