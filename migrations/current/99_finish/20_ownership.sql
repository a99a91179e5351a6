-- Functions call one another with their owner's rights, and use the tables: objects that another
-- role's migration created get the owner of the rest. A sequence follows its table, where it has one.
-- Each of ours has a comment, but for those of procrastinate; a user's function, or a relation without one, keeps its owner.
do $$
declare
  v_owner oid := (select c.relowner from pg_catalog.pg_class as c where c.oid = 'wikiembed.sources'::regclass);
  v_schemas oid[] := array['wikiembed'::regnamespace, 'wikiembed_private'::regnamespace, 'wikiembed_queue'::regnamespace];
  v_function regprocedure;
  v_relation regclass;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p
     where p.pronamespace = any (v_schemas) and p.proowner <> v_owner
       and (p.proname like 'procrastinate\_%' or wikiembed_private.is_written(p.oid))
  loop
    execute pg_catalog.format('alter function %s owner to %I', v_function, pg_catalog.pg_get_userbyid(v_owner));
  end loop;
  for v_relation in
    select c.oid from pg_catalog.pg_class as c
     where c.relnamespace = any (v_schemas) and c.relkind in ('r', 'v', 'S')
       and c.relowner <> v_owner and c.relname <> 'alembic_version'
       and (pg_catalog.obj_description(c.oid, 'pg_class') is not null or c.relname like 'procrastinate\_%')
       and not exists (
         select from pg_catalog.pg_depend as d
          where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
            and d.refclassid = 'pg_catalog.pg_class'::regclass and c.relkind = 'S')
  loop
    execute pg_catalog.format('alter table %s owner to %I', v_relation, pg_catalog.pg_get_userbyid(v_owner));
  end loop;
end;
$$;
