create function wikiembed_private.find_column(
  p_relation regclass, p_name name, p_attnum smallint default null
) returns pg_catalog.pg_attribute
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column pg_attribute;
begin
  select a.* into v_column from pg_attribute as a
   where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0
     and (a.attname = p_name or a.attnum = p_attnum)
   order by a.attname = p_name desc
   limit 1;
  if not found then
    raise exception '% has no column "%"', p_relation, p_name
      using errcode = 'WE006', hint = 'Name a column of the table, or detach the source.';
  end if;
  return v_column;
end;
$$;
comment on function wikiembed_private.find_column(regclass, name, smallint) is
  'The catalogue row of a column, by name, else by number; raises WE006 when there is none.';
