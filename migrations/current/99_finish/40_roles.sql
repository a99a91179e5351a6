-- Existing workers and readers get the rights that were added. A view calls functions with its
-- reader's rights: a role that may read one, by these functions or by hand, may call its functions. A role
-- that may read one half of the schema version may read the other.
select wikiembed_private.renew_grants();
do $$
declare
  v_view text;
  v_right text;
  v_role text;
begin
  for v_view, v_right in
    values ('wikiembed.coverage', 'execute on function wikiembed_private.sum_deltas(text)'),
           ('wikiembed.coverage', 'execute on function wikiembed_private.is_paused(timestamptz, timestamptz)'),
           ('wikiembed.queue', 'execute on function wikiembed_private.count_jobs(text)'),
           ('wikiembed.alembic_version', 'select on wikiembed.schema_digest')
  loop
    for v_role in
      select distinct coalesce(pg_catalog.quote_ident(r.rolname), 'public')
        from pg_catalog.pg_class as c, pg_catalog.aclexplode(c.relacl) as a
        left join pg_catalog.pg_roles as r on r.oid = a.grantee
       where c.oid = v_view::pg_catalog.regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
    loop
      execute pg_catalog.format('grant %s to %s', v_right, v_role);
    end loop;
  end loop;
end;
$$;
