create function wikiembed.grant_writer(p_role name) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_relation regclass;
  v_sequence regclass;
begin
  for v_relation in
    select s.relation from wikiembed.sources as s where wikiembed_private.qualified(s.relation) is not null
    union
    select to_regclass('public.wiki_pages') where to_regclass('public.wiki_pages') is not null
  loop
    execute format('grant usage on schema %I to %I',
      (select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = v_relation),
      p_role);
    execute format('grant select, insert, update on %s to %I', wikiembed_private.qualified(v_relation), p_role);
    -- The sequence of a serial column; an identity column needs none.
    for v_sequence in
      select d.objid from pg_depend as d join pg_class as c on c.oid = d.objid
       where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
         and d.refobjid = v_relation and d.deptype = 'a' and c.relkind = 'S'
    loop
      execute format('grant usage on sequence %s to %I', wikiembed_private.qualified(v_sequence), p_role);
    end loop;
  end loop;
  if to_regprocedure('wikiembed.load_pages(jsonb)') is not null then
    execute format('grant usage on schema wikiembed to %I', p_role);
    execute format('grant select on wikiembed.alembic_version to %I', p_role);
    execute format('grant execute on function wikiembed.load_pages(jsonb) to %I', p_role);
  end if;
end;
$$;
comment on function wikiembed.grant_writer(name) is
  'Lets a role insert and update chunks of the attached tables, and load wiki pages; it gets no right on the queue.';
