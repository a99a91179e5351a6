create function wikiembed_private.drop_strayed_triggers(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_relation regclass;
  v_trigger name;
begin
  for v_relation, v_trigger in
    select t.relation, t.trigger from wikiembed_private.triggers_of(p_source.name) as t
     where t.relation not in (select wikiembed_private.relations_of(p_source.relation))
  loop
    execute format('drop trigger %I on %s', v_trigger, wikiembed_private.qualified(v_relation));
  end loop;
end;
$$;
comment on function wikiembed_private.drop_strayed_triggers(wikiembed.sources) is
  'Takes a source''s triggers off tables that are no longer its partitions.';
