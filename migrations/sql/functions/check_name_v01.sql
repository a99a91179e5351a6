create function wikiembed_private.check_name(p_name text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_name is null or octet_length(p_name) not between 1 and 32 or p_name ~ '[[:cntrl:]]'
    or p_name <> btrim(p_name) or position('$body$' in p_name) > 0
  then
    raise exception 'a source''s name has 1 to 32 bytes, this one has %', coalesce(octet_length(p_name), 0)
      using errcode = 'WE002', hint = 'Give a short name without control characters or outer blanks, such as docs.';
  end if;
end;
$$;
comment on function wikiembed_private.check_name(text) is
  'Raises WE002 for a source name that is too long or not printable.';
