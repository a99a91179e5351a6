-- A move builds the index while the former table still has the name.
create function wikiembed_private.rename_missing_index(p_source wikiembed.sources) returns void
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
    execute wikiembed_private.fill(
      p_source, 'alter index ' || wikiembed_private.qualified(v_index) || ' rename to %12$I', 'wikiembed_missing');
  end if;
end;
$$;
comment on function wikiembed_private.rename_missing_index(wikiembed.sources) is
  'Gives the index that was built for a move the name that the index of a source has.';
