-- squawk-ignore-file ban-drop-function
-- load_pages returns other columns now, so that Postgres refuses to replace it; roles that may call it may
-- call the new one.
select pg_catalog.set_config('wikiembed.loaders', coalesce((
  select pg_catalog.string_agg(distinct coalesce(pg_catalog.quote_ident(r.rolname), 'public'), ', ')
    from pg_catalog.pg_proc as p
   cross join lateral pg_catalog.aclexplode(p.proacl) as a
    left join pg_catalog.pg_roles as r on r.oid = a.grantee
   where p.oid = pg_catalog.to_regprocedure('wikiembed.load_pages(jsonb)')
     and a.privilege_type = 'EXECUTE' and a.grantee <> p.proowner), ''), true);
drop function if exists wikiembed.load_pages(jsonb);
