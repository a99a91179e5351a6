create or replace function wikiembed_private.missing_index(p_source wikiembed.sources) returns regclass
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select i.indexrelid::regclass
    from pg_index as i
   where i.indrelid = p_source.relation and i.indisvalid and i.indexprs is null
     and (i.indkey::smallint[])[0:i.indnkeyatts - 1] = p_source.key_attnums
     and pg_get_expr(i.indpred, i.indrelid) = wikiembed_private.render_template(p_source, '(@embedding@ IS NULL)')
   limit 1;
$$;
comment on function wikiembed_private.missing_index(wikiembed.sources) is
  'The valid partial index on a source''s missing rows; null when there is none.';

create or replace function wikiembed_private.create_missing_index(p_name text) returns void
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
              hint = wikiembed_private.render_template(v_source,
                case when (select c.relkind from pg_class as c where c.oid = v_source.relation) = 'p'
                  then 'Let the owner run `create index on @table@ (@key_list@) where @embedding@ is null`'
                  else 'Let the owner run `create index concurrently on @table@ (@key_list@) where @embedding@ is null`' end);
    end if;
    execute wikiembed_private.render_template(v_source, 'create index @missing_index@ on @table@ (@key_list@) where @embedding@ is null');
  end if;
end;
$$;
comment on function wikiembed_private.create_missing_index(text) is
  'Creates the partial index on rows without a vector, unless a valid one exists.';

-- A move builds the index while the former table still has the name.
create or replace function wikiembed_private.rename_missing_index(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_index regclass := wikiembed_private.missing_index(p_source);
begin
  if exists (
    select from pg_class as c
     where c.oid = v_index and c.relname = 'wikiembed_missing_' || p_source.relation::oid
       and not exists (select from pg_class as other
                        where other.relnamespace = c.relnamespace
                          and other.relname = ('wikiembed_missing_' || p_source.name) collate "C")
  ) then
    execute wikiembed_private.render_template(
      p_source, 'alter index ' || wikiembed_private.qualified(v_index) || ' rename to @missing_index@');
  end if;
end;
$$;
comment on function wikiembed_private.rename_missing_index(wikiembed.sources) is
  'Gives the index that was built for a move the name of a source''s index.';
