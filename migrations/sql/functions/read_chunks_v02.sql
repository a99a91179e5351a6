create function wikiembed.read_chunks(p_source text, p_keys text[], p_attempt integer default 0)
returns table (key text, content text, version bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  return query execute
    format('select r.key, r.content, r.version from wikiembed_private.%I($1, $2) as r', 'read_' || p_source)
    using p_keys, p_attempt;
end;
$$;
comment on function wikiembed.read_chunks(text, text[], integer) is
  'The texts of those keys that still miss a vector, with the version to write with; rows that somebody holds are left out and queued again. Raises WE001.';
