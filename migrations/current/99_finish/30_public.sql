-- Every role may call a new function. One whose access list was never written is new; grants made by
-- hand stay, and so does a user's function in these schemas.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p
     where p.pronamespace in (
             'wikiembed'::regnamespace, 'wikiembed_private'::regnamespace, 'wikiembed_queue'::regnamespace)
       and p.proacl is null
       and (p.pronamespace = 'wikiembed_queue'::regnamespace or wikiembed_private.is_written(p.oid))
  loop
    execute pg_catalog.format('revoke all on function %s from public', v_function);
  end loop;
end;
$$;
