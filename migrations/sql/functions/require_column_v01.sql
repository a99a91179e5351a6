create function wikiembed_private.require_column(
  p_relation regclass, p_name name, p_role text, p_dimensions integer
) returns pg_catalog.pg_attribute
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column pg_attribute;
begin
  select a.* into v_column from pg_attribute as a
   where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0 and a.attname = p_name;
  if not found then
    raise exception '% has no column "%"', p_relation, p_name
      using errcode = 'WE006', hint = coalesce(
        'Name it as it is written: ' || (
          select string_agg(a.attname, ' or ' order by a.attnum) from pg_attribute as a
           where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0
             and lower(a.attname) = lower(btrim(p_name, '"'))),
        case p_role
          when 'key' then wikiembed_private.key_advice(p_relation, p_name)
          when 'text' then wikiembed_private.text_advice(p_relation, p_name)
          else format('Run `alter table %s add column %I %s`', p_relation, p_name,
                      wikiembed_private.advised_vector(p_dimensions))
        end);
  end if;
  return v_column;
end;
$$;
comment on function wikiembed_private.require_column(regclass, name, text, integer) is
  'The catalogue row of the column that is to be key, text or embedding; raises WE006 with what can be done when there is none.';
