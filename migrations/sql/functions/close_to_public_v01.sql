-- A new function may be called by everybody until somebody says otherwise.
create function wikiembed_private.close_to_public(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc as p
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and p.proname = any (array[
         'null_stale_' || p_source.name, 'on_insert_' || p_source.name, 'on_update_' || p_source.name,
         'on_delete_' || p_source.name, 'on_truncate_' || p_source.name, 'outcomes_' || p_source.name,
         'read_' || p_source.name, 'store_' || p_source.name, 'fail_' || p_source.name])
  loop
    execute format('revoke all on function %s from public', v_function);
    execute format('comment on function %s is %L', v_function,
      'Written by write_triggers for source ' || p_source.name || '.');
  end loop;
end;
$$;
comment on function wikiembed_private.close_to_public(wikiembed.sources) is
  'Takes the written functions of a source away from public.';
