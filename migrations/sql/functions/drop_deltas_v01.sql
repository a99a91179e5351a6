-- It waits for no lock: whoever has looked at the coverage holds one until his transaction ends,
-- and may be about to wait for the table that detach holds. A table that is left behind is empty;
-- reconcile drops it later, or attach takes it.
create function wikiembed_private.drop_deltas(p_source text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('lock table wikiembed_private.%I in access exclusive mode nowait', 'deltas_' || p_source);
  execute format('drop table wikiembed_private.%I', 'deltas_' || p_source);
exception when lock_not_available or undefined_table then
  null;
end;
$$;
comment on function wikiembed_private.drop_deltas(text) is
  'Drops the table that create_deltas made, unless somebody holds it.';
