create function wikiembed_private.check_key(p_relation regclass, p_column pg_catalog.pg_attribute) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text := format_type(wikiembed_private.base_type(p_column.atttypid), null);
  v_why text := case
    when v_type not in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying') then
      format('is of type %s, not smallint, integer, bigint, uuid, text or varchar', v_type)
    when not p_column.attnotnull then 'may be null'
    when not p_column.attname = any (wikiembed_private.usable_keys(p_relation)) then 'has no unique index of its own'
  end;
begin
  if v_why is not null then
    raise exception 'key column "%" of % %', p_column.attname, p_relation, v_why
      using errcode = 'WE005', hint = wikiembed_private.key_advice(p_relation, p_column.attname);
  end if;
  return v_type;
end;
$$;
comment on function wikiembed_private.check_key(regclass, pg_attribute) is
  'The key''s type; raises WE005 when the column does not name a row for sure.';
