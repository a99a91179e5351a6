-- Triggers, constraints and index expressions of a table run in the name of whoever reads or
-- writes it: here wikiembed's owner. Whoever may add one gains what he may and they may not: his
-- attributes, his memberships, and tables that he owns or was let into. Nothing is said of one who
-- gains wikiembed itself only.
create function wikiembed_private.owner_warning(p_relation regclass) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  with risky as (
    select c.relowner as oid from wikiembed_private.relations_of(p_relation) as t join pg_class as c on c.oid = t
    union
    select a.grantee
      from wikiembed_private.relations_of(p_relation) as t join pg_class as c on c.oid = t,
           aclexplode(c.relacl) as a
     where a.privilege_type = 'TRIGGER'
  ), me as (
    select w.* from pg_roles as w where w.rolname = current_user
  ), tables as (
    select distinct c.relowner as owner
      from me as w join pg_shdepend as d on d.refclassid = 'pg_authid'::regclass and d.refobjid = w.oid
      join pg_class as c on d.classid = 'pg_class'::regclass and c.oid = d.objid
      join pg_namespace as n on n.oid = c.relnamespace
     where d.dbid = (select b.oid from pg_database as b where b.datname = current_database())
       and d.deptype in ('o', 'a') and n.nspname !~ '^(wikiembed(_private|_queue)?|pg_(toast|temp).*)$'
       and not (n.nspname = 'public' and c.relname ~ '^wiki_(pages|chunks)(_|$)')
  ), more as (
    select coalesce(r.rolname, 'public') as name
      from risky as x left join pg_roles as r on r.oid = x.oid cross join me as w
     where not coalesce(r.rolsuper, false)
       and (r.oid is null or not pg_has_role(r.oid, w.oid, 'member'))
       and (w.rolsuper or w.rolbypassrls > coalesce(r.rolbypassrls, false)
            or w.rolcreaterole > coalesce(r.rolcreaterole, false)
            or w.rolreplication > coalesce(r.rolreplication, false)
            or exists (select from pg_roles as m
                        where m.oid <> w.oid and pg_has_role(w.oid, m.oid, 'member')
                          and (r.oid is null or not pg_has_role(r.oid, m.oid, 'member')))
            or exists (select from tables as o where r.oid is null or not pg_has_role(r.oid, o.owner, 'member')))
  )
  select format('%s may give %s triggers and expressions, which wikiembed runs as role %I',
                string_agg(format('%I', name), ', ' order by name), p_relation, current_user)
    from more having count(*) > 0;
$$;
comment on function wikiembed_private.owner_warning(regclass) is
  'Which roles could run SQL as wikiembed''s owner by way of this table, and gain by it; null when none could.';
