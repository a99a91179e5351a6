create function wikiembed.grant_writer(p_role name) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_relation regclass;
begin
  for v_relation in
    select distinct s.relation from wikiembed.sources as s
    union
    select to_regclass('public.wiki_pages') where to_regclass('public.wiki_pages') is not null
  loop
    execute format('grant usage on schema %I to %I',
      (select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = v_relation),
      p_role);
    execute format('grant select, insert, update on %s to %I', wikiembed_private.qualified(v_relation), p_role);
  end loop;
end;
$$;
comment on function wikiembed.grant_writer(name) is
  'Lets a role insert and update chunks of the attached tables; it gets no right on the queue.';
