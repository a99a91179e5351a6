create function wikiembed_private.get_source(p_source text) returns wikiembed.sources
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_source collate "default" for key share;
  if not found then
    raise exception 'no source is named "%"', coalesce(p_source, '')
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  return v_source;
end;
$$;
comment on function wikiembed_private.get_source(text) is
  'The row of a source, held for key share; raises WE001 when there is none.';
