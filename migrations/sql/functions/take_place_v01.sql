-- For functions whose signature changes, which no "create or replace" can do: the new one takes
-- owner and grants of the one before, so that whoever was let in by hand still is.
create function wikiembed_private.take_place(p_new regprocedure, p_old regprocedure) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_old pg_proc;
  v_grant record;
begin
  select p.* into v_old from pg_proc as p where p.oid = p_old;
  execute format('revoke all on function %s from public', p_new);
  for v_grant in
    select a.grantee, a.is_grantable
      from aclexplode(coalesce(v_old.proacl, acldefault('f', v_old.proowner))) as a
     where a.privilege_type = 'EXECUTE' and a.grantee <> v_old.proowner
  loop
    execute format('grant execute on function %s to %s%s', p_new,
      case v_grant.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(v_grant.grantee)) end,
      case when v_grant.is_grantable then ' with grant option' else '' end);
  end loop;
  if v_old.proowner <> (select p.proowner from pg_proc as p where p.oid = p_new) then
    execute format('alter function %s owner to %I', p_new, pg_get_userbyid(v_old.proowner));
  end if;
  execute format('drop function %s', p_old);
end;
$$;
