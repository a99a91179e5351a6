-- wikiembed keeps no list of roles: the access lists say who may read chunks.
create function wikiembed_private.worker_roles() returns setof name
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select distinct r.rolname
    from pg_proc as p, aclexplode(p.proacl) as a join pg_roles as r on r.oid = a.grantee
   where p.pronamespace = 'wikiembed'::regnamespace and p.proname = 'read_chunks'
     and a.privilege_type = 'EXECUTE' and a.grantee <> p.proowner
   order by r.rolname
$$;
comment on function wikiembed_private.worker_roles() is
  'The roles that grant_worker was called for.';
