create function wikiembed_private.missing_index(p_source wikiembed.sources) returns regclass
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select i.indexrelid::regclass
    from pg_index as i
   where i.indrelid = p_source.relation and i.indisvalid and i.indnkeyatts = 1 and i.indexprs is null
     and i.indkey[0] = p_source.key_attnum
     and pg_get_expr(i.indpred, i.indrelid) = wikiembed_private.fill(p_source, '(%5$I IS NULL)')
   limit 1;
$$;
comment on function wikiembed_private.missing_index(wikiembed.sources) is
  'The valid partial index on a source''s missing rows; null when there is none.';
