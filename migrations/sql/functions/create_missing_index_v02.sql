create function wikiembed_private.create_missing_index(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  if wikiembed_private.missing_index(v_source) is null then
    if not pg_has_role(current_user, (select c.relowner from pg_class as c where c.oid = v_source.relation), 'usage') then
      raise exception 'role % does not own %: it cannot create the index on missing rows', current_user, v_source.relation
        using errcode = 'WE004',
              hint = wikiembed_private.fill(v_source,
                case when (select c.relkind from pg_class as c where c.oid = v_source.relation) = 'p'
                  then 'Let the owner run `create index on %2$s (%3$I) where %5$I is null`'
                  else 'Let the owner run `create index concurrently on %2$s (%3$I) where %5$I is null`' end);
    end if;
    execute wikiembed_private.fill(v_source, 'create index %12$I on %2$s (%3$I) where %5$I is null', 'wikiembed_missing');
  end if;
end;
$$;
comment on function wikiembed_private.create_missing_index(text) is
  'Creates the partial index on rows without a vector, unless a valid one is there.';
