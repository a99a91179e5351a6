-- procrastinate writes its names unqualified: every function of its schema gets a pinned path,
-- so that no function or table of another schema can stand in for one of its own.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure
      from pg_catalog.pg_proc as p
     where p.pronamespace = 'wikiembed_queue'::regnamespace
  loop
    execute pg_catalog.format(
      'alter function %s set search_path = wikiembed_queue, pg_catalog, pg_temp', v_function);
  end loop;
end;
$$;
