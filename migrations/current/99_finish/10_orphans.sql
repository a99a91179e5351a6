-- A function that was renamed, or has other parameters, leaves the former one: a migration wrote it, and
-- this one did not. It is dropped; if an object of a user's depends on it, the migration fails and names it.
-- write_triggers and detach drop the generated functions of sources. A user's function was never recorded.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p
     where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
       and p.xmin <> pg_catalog.pg_current_xact_id()::xid
       and wikiembed_private.signature_of(p.oid) in (
             select w.function from wikiembed_private.written_functions as w)
       and not exists (
         select from pg_catalog.pg_depend as d
          where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  loop
    execute pg_catalog.format('drop function %s', v_function);
  end loop;
end;
$$;
-- All that the files wrote have this transaction's number.
delete from wikiembed_private.written_functions;
insert into wikiembed_private.written_functions (function)
select wikiembed_private.signature_of(p.oid) from pg_catalog.pg_proc as p
 where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
   and p.xmin = pg_catalog.pg_current_xact_id()::xid
   and pg_catalog.obj_description(p.oid, 'pg_proc') not like wikiembed_private.generated_comment('%')
   and not exists (
     select from pg_catalog.pg_depend as d
      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e');
