-- Functions are written between $body$ and $body$.
create function wikiembed_private.require_quotable(p_source wikiembed.sources) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if position('$body$' in wikiembed_private.names_of(p_source)) > 0 then
    raise exception 'a name of source "%" contains $body$', p_source.name
      using errcode = 'WE004', hint = 'Rename the table or the column.';
  end if;
end;
$$;
comment on function wikiembed_private.require_quotable(wikiembed.sources) is
  'Refuses names that would end the text of a function. Raises WE004.';
