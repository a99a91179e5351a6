-- A view calls functions with its reader's rights: whoever may read one, by grant_reader,
-- grant_worker or by hand, may call what it calls.
do $$
declare
  v_view text;
  v_function text;
  v_role text;
begin
  for v_view, v_function in
    values ('wikiembed.coverage', 'wikiembed_private.sum_deltas(text)'),
           ('wikiembed.queue', 'wikiembed_private.count_jobs(text)')
  loop
    for v_role in
      select distinct coalesce(pg_catalog.quote_ident(r.rolname), 'public')
        from pg_catalog.pg_class as c, pg_catalog.aclexplode(c.relacl) as a
        left join pg_catalog.pg_roles as r on r.oid = a.grantee
       where c.oid = v_view::pg_catalog.regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
    loop
      execute pg_catalog.format('grant execute on function %s to %s', v_function, v_role);
    end loop;
  end loop;
end;
$$;
