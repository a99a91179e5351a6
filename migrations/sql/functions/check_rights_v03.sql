-- Functions run as their owner with row_security off, which raises instead of hiding rows: so
-- the owner must be one whom no policy binds. He must own the table and every partition as well:
-- a trigger that also fires for replication is enabled by `alter table`. Membership in a superuser would
-- give him more than a table.
create function wikiembed_private.check_rights(p_relation regclass) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_right text;
  v_other regclass;
begin
  foreach v_right in array array['SELECT', 'UPDATE', 'TRIGGER'] loop
    if not has_table_privilege(current_user, p_relation, v_right) then
      raise exception 'role % needs the right % on %', current_user, v_right, p_relation
        using errcode = 'WE004', hint = format('Run as its owner `grant select, update, trigger on %s to %I`', p_relation, current_user);
    end if;
  end loop;
  if exists (
    select from wikiembed_private.relations_of(p_relation) as r
      join pg_class as c on c.oid = r
     where c.relrowsecurity
       and not (select a.rolsuper or a.rolbypassrls from pg_roles as a where a.rolname = current_user)
       and (c.relforcerowsecurity or not pg_has_role(current_user, c.relowner, 'usage'))
  ) then
    raise exception 'row-level security of % binds role %: rows would be hidden', p_relation, current_user
      using errcode = 'WE009', hint = format('Run as a superuser `alter role %I bypassrls`, or let it own the table without force', current_user);
  end if;
  select t into v_other
    from wikiembed_private.relations_of(p_relation) as t join pg_class as c on c.oid = t
   where not pg_has_role(current_user, c.relowner, 'usage')
   limit 1;
  if found then
    raise exception 'role % does not own %', current_user, v_other
      using errcode = 'WE004',
            hint = (
              select case
                when a.rolsuper then format('Run `alter table %s owner to %I`', v_other, current_user)
                else format('Make it a member of the owner: run `grant %I to %I%s`', a.rolname, current_user,
                            case when current_setting('server_version_num')::integer >= 160000 then ' with inherit true'
                                 else '' end) end
                from pg_class as c join pg_roles as a on a.oid = c.relowner where c.oid = v_other);
  end if;
end;
$$;
comment on function wikiembed_private.check_rights(regclass) is
  'Raises WE004 or WE009 when the owner of wikiembed does not own the whole table, or may not read and write it.';
