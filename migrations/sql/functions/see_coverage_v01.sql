-- A view calls functions with its reader's rights: whoever may read the coverage, by grant_reader,
-- grant_worker or by hand, may call what it calls.
do $$
declare
  v_role text;
begin
  for v_role in
    select distinct coalesce(pg_catalog.quote_ident(r.rolname), 'public')
      from pg_catalog.pg_class as c, pg_catalog.aclexplode(c.relacl) as a
      left join pg_catalog.pg_roles as r on r.oid = a.grantee
     where c.oid = 'wikiembed.coverage'::regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
  loop
    execute pg_catalog.format('grant execute on function wikiembed_private.sum_deltas(text) to %s', v_role);
  end loop;
end;
$$;
