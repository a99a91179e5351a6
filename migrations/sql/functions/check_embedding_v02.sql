create function wikiembed_private.check_embedding(
  p_relation regclass, p_column pg_catalog.pg_attribute, p_dimensions integer,
  out embedding_type text, out dimensions integer
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_other name := wikiembed_private.free_column(p_relation, p_column.attname || '_vector');
begin
  select t.typname into embedding_type
    from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
   where t.oid = p_column.atttypid and n.nspname = wikiembed_private.pgvector_schema()
     and t.typname in ('vector', 'halfvec');
  if not found then
    raise exception 'embedding column "%" of % is of type %, not vector or halfvec', p_column.attname,
      p_relation, format_type(p_column.atttypid, p_column.atttypmod)
      using errcode = 'WE007', hint = format('Run `alter table %s add column %I %s`, and name %2$I as the embedding',
        p_relation, v_other, wikiembed_private.advised_vector(p_dimensions));
  end if;
  if p_column.attgenerated <> '' then
    raise exception 'embedding column "%" of % is generated', p_column.attname, p_relation
      using errcode = 'WE007', hint = format('Run `alter table %s alter column %I drop expression`, which makes it an'
        ' ordinary one that keeps its vectors', p_relation, p_column.attname);
  end if;
  if p_column.attnotnull then
    raise exception 'embedding column "%" of % is not null', p_column.attname, p_relation
      using errcode = 'WE007', hint = format('A chunk that waits for its vector holds null: run'
        ' `alter table %s alter column %I drop not null`', p_relation, p_column.attname);
  end if;
  dimensions := coalesce(nullif(p_column.atttypmod, -1), p_dimensions);
  if p_dimensions is not null and dimensions <> p_dimensions then
    raise exception 'embedding column "%" of % has % dimensions, not %', p_column.attname, p_relation,
      dimensions, p_dimensions
      using errcode = 'WE007', hint = case
        when p_dimensions <= 0 then 'Leave dimensions out'
        else 'Leave dimensions out, or '
          || wikiembed_private.dimensions_advice(p_relation, p_column.attname, p_dimensions) end;
  end if;
end;
$$;
comment on function wikiembed_private.check_embedding(regclass, pg_attribute, integer) is
  'Type and dimensions of the vector column; raises WE007 when it cannot hold vectors.';
