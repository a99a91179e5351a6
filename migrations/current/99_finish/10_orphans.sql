-- A function that was renamed, or has other parameters, leaves the former one: it is dropped; if
-- an object of a user's depends on it, the migration fails and names it. write_triggers and detach
-- drop the generated functions of sources. Each of ours has a comment; one without is a user's, and stays.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p
     where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
       and p.oid || ':' || p.xmin = any (pg_catalog.string_to_array(
         pg_catalog.current_setting('wikiembed.functions_before'), ' '))
       and pg_catalog.obj_description(p.oid, 'pg_proc') not like wikiembed_private.generated_comment('%')
  loop
    execute pg_catalog.format('drop function %s', v_function);
  end loop;
end;
$$;
