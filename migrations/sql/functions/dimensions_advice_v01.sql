create function wikiembed_private.dimensions_advice(
  p_relation regclass, p_column name, p_dimensions integer
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_filled boolean;
  v_type text;
begin
  execute format('select exists (select from %s as t where t.%I is not null)', p_relation, p_column) into v_filled;
  if v_filled then
    return format('run `alter table %s add column %I %s` and name %2$I as the embedding', p_relation,
      wikiembed_private.free_column(p_relation, p_column || '_vector'), wikiembed_private.advised_vector(p_dimensions));
  end if;
  select format('%I.%I(%s)', n.nspname, t.typname, p_dimensions) into v_type
    from pg_attribute as a join pg_type as t on t.oid = a.atttypid join pg_namespace as n on n.oid = t.typnamespace
   where a.attrelid = p_relation and a.attname = p_column;
  return format('run `alter table %s alter column %I type %s`', p_relation, p_column, v_type);
end;
$$;
comment on function wikiembed_private.dimensions_advice(regclass, name, integer) is
  'How a table gets a vector column of other dimensions: the column itself while it is empty, else another.';
