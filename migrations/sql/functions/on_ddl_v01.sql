-- Where rights allow an event trigger: follow renames and new partitions at once. It never
-- stands in the way of the user's statement.
create function wikiembed_private.on_ddl() returns event_trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
  v_source wikiembed.sources;
begin
  if coalesce(current_setting('wikiembed.writing_triggers', true), '') = 'on' then
    return;
  end if;
  for v_name in
    select s.name from wikiembed.sources as s
     where exists (
       select from pg_event_trigger_ddl_commands() as d
        where d.classid = 'pg_class'::regclass
          and d.objid in (select wikiembed_private.relations_of(s.relation)))
  loop
    begin
      v_source := wikiembed_private.follow_renames(v_name);
      if not wikiembed_private.triggers_current(v_source) then
        perform wikiembed_private.write_triggers(v_name);
      end if;
    exception when others then
      raise warning 'wikiembed could not follow the change of source "%": %', v_name, sqlerrm
        using hint = 'Run: select * from wikiembed.reconcile(' || quote_literal(v_name) || ')';
    end;
  end loop;
end;
$$;
comment on function wikiembed_private.on_ddl() is
  'Rewrites a source''s triggers after its table was altered or got a partition.';
