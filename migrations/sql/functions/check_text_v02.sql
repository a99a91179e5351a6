create function wikiembed_private.check_text(p_relation regclass, p_column pg_catalog.pg_attribute) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_column.attgenerated <> '' then
    raise exception 'text column "%" of % is generated', p_column.attname, p_relation
      using errcode = 'WE006', hint = case p_column.attgenerated
        when 's' then format('Attach the column that it is generated from, or make it an ordinary one: run'
          ' `alter table %s alter column %I drop expression`', p_relation, p_column.attname)
        else 'Attach the column that it is generated from' end;
  end if;
  if not exists (
    select from pg_type as t
     where t.oid = wikiembed_private.base_type(p_column.atttypid) and t.typcategory = 'S'
       and t.typname not in ('char', 'name')
  ) then
    raise exception 'text column "%" of % is of type %, not text or varchar', p_column.attname, p_relation,
      format_type(p_column.atttypid, p_column.atttypmod)
      using errcode = 'WE006', hint = wikiembed_private.text_advice(p_relation, p_column.attname);
  end if;
end;
$$;
comment on function wikiembed_private.check_text(regclass, pg_attribute) is
  'Raises WE006 for a text column that is generated or holds no text.';
