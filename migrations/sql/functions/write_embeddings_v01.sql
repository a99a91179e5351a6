create function wikiembed.write_embeddings(
  p_source text, p_keys text[], p_versions bigint[], p_embeddings vector_schema.vector[],
  p_attempt integer default 0
) returns table (key text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if cardinality(p_keys) <> cardinality(p_versions) or cardinality(p_keys) <> cardinality(p_embeddings) then
    raise exception 'keys, versions and embeddings differ in length'
      using errcode = 'WE010',
            hint = format('Got %s, %s and %s.', cardinality(p_keys), cardinality(p_versions), cardinality(p_embeddings));
  end if;
  if not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  return query execute format('select * from wikiembed_private.%I($1, $2, $3, $4)', 'store_' || p_source)
    using p_keys, p_versions, p_embeddings, p_attempt;
end;
$$;
comment on function wikiembed.write_embeddings(text, text[], bigint[], vector_schema.vector[], integer) is
  'Stores vectors where the row is still null and its text still has the version; says of each key: written, stale, locked (queued again) or gone. Raises WE001, WE010, WE012.';
