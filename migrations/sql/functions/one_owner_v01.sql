-- Functions call one another in their owner's name: what another role's migration created goes to
-- the owner of the rest.
do $$
declare
  v_owner oid := (select p.proowner from pg_catalog.pg_proc as p
                   where p.oid = 'wikiembed.enqueue(text, bigint, integer, boolean)'::regprocedure);
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p
     where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
       and p.proowner <> v_owner
  loop
    execute pg_catalog.format('alter function %s owner to %I', v_function, pg_catalog.pg_get_userbyid(v_owner));
  end loop;
end;
$$;
