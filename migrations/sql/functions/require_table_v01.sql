create function wikiembed_private.require_table(p_source wikiembed.sources) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if wikiembed_private.is_gone(p_source) then
    raise exception 'the table or a column of source "%" was dropped', p_source.name
      using errcode = 'WE001',
            hint = format('Forget the source: select wikiembed.detach(%L).', p_source.name);
  end if;
end;
$$;
comment on function wikiembed_private.require_table(wikiembed.sources) is
  'Raises WE001 when a source has outlived its table or a column of it.';
