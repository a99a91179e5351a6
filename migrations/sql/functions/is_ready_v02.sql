create function wikiembed.is_ready(p_source text default null) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
  select wikiembed.is_ready(p_source, false);
$$;
comment on function wikiembed.is_ready(text) is
  'True when the source (null: each source) has a vector and no row of it misses one but the skipped ones. Raises WE001.';
