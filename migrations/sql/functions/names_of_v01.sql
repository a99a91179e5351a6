create function wikiembed_private.names_of(p_source wikiembed.sources) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.fill(p_source, '%2$s (%3$I, %4$I, %5$I) %6$s %9$s %11$I');
$$;
comment on function wikiembed_private.names_of(wikiembed.sources) is
  'The names that a source''s written functions depend on.';
