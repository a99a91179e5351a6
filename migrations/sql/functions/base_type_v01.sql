create function wikiembed_private.base_type(p_type oid) returns oid
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive t as (
    select p_type as oid
    union all
    select y.typbasetype from t join pg_type as y on y.oid = t.oid where y.typtype = 'd'
  )
  select t.oid from t join pg_type as y on y.oid = t.oid where y.typtype <> 'd';
$$;
comment on function wikiembed_private.base_type(oid) is
  'The type below a domain, or the type itself.';
