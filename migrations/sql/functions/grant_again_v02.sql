-- For a migration that adds to the rights of workers and readers: who has the present ones is
-- read from the access lists.
create function wikiembed_private.grant_again() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role name;
begin
  for v_role in
    select w.role from wikiembed_private.worker_roles() as w (role)
  loop
    perform wikiembed.grant_worker(v_role);
  end loop;
  for v_role in
    select distinct r.rolname
      from pg_class as c, aclexplode(c.relacl) as a join pg_roles as r on r.oid = a.grantee
     where c.oid = 'wikiembed.failures'::regclass
       and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
       and has_table_privilege(a.grantee, 'wikiembed.action_log', 'select')
     order by 1
  loop
    perform wikiembed.grant_reader(v_role);
  end loop;
end;
$$;
comment on function wikiembed_private.grant_again() is
  'Calls grant_worker and grant_reader again for the roles that they were called for.';
