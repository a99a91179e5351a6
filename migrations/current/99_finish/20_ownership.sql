-- Functions call one another with their owner's rights, and use the tables: objects that another
-- role's migration created get the owner of the rest. A sequence follows its table, where it has one.
do $$
declare
  v_owner oid := (select c.relowner from pg_catalog.pg_class as c where c.oid = 'wikiembed.sources'::regclass);
  v_function regprocedure;
  v_relation regclass;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p
     where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
       and p.proowner <> v_owner
  loop
    execute pg_catalog.format('alter function %s owner to %I', v_function, pg_catalog.pg_get_userbyid(v_owner));
  end loop;
  for v_relation in
    select c.oid from pg_catalog.pg_class as c
     where c.relnamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
       and c.relkind in ('r', 'v') and c.relowner <> v_owner and c.relname <> 'alembic_version'
  loop
    execute pg_catalog.format('alter table %s owner to %I', v_relation, pg_catalog.pg_get_userbyid(v_owner));
  end loop;
end;
$$;
