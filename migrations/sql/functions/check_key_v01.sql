create function wikiembed_private.check_key(p_relation regclass, p_column pg_catalog.pg_attribute) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text := format_type(wikiembed_private.base_type(p_column.atttypid), null);
begin
  if v_type not in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying') then
    raise exception 'key column "%" of % is of type %', p_column.attname, p_relation, v_type
      using errcode = 'WE005', hint = 'A key is a smallint, integer, bigint, uuid, text or varchar.';
  end if;
  if not p_column.attnotnull then
    raise exception 'key column "%" of % may be null', p_column.attname, p_relation
      using errcode = 'WE005', hint = format('alter table %s alter %I set not null', p_relation, p_column.attname);
  end if;
  if not exists (
    select from pg_index as i
     where i.indrelid = p_relation and i.indisunique and i.indisvalid and i.indimmediate
       and i.indpred is null and i.indexprs is null
       and i.indnkeyatts = 1 and i.indkey[0] = p_column.attnum
  ) then
    raise exception 'key column "%" of % has no unique index of its own', p_column.attname, p_relation
      using errcode = 'WE005',
            hint = format('create unique index concurrently on %s (%I); it must be valid, not deferrable and not partial',
                          p_relation, p_column.attname);
  end if;
  return v_type;
end;
$$;
comment on function wikiembed_private.check_key(regclass, pg_attribute) is
  'The key''s type; raises WE005 when the column does not name a row for sure.';
